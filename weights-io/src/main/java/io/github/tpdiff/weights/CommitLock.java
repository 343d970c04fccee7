package io.github.tpdiff.weights;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * Lets one process at a time give a checkpoint's files their names, so that a folder never holds
 * shards of two writers under one index. A hidden file that is there only meanwhile.
 */
public final class CommitLock {

  private static final long RETRY_NANOS = 5_000_000;

  private final Path folder;
  private final Path file;

  /** The lock of the files of that name in a folder, which exists. */
  public CommitLock(Path folder, String baseName) {
    this.folder = folder;
    this.file = folder.resolve("." + baseName + ".commit");
  }

  /** Runs an action alone; the system takes the lock from a process that dies. */
  public void run(Runnable action) {
    try {
      while (!hasRun(action)) {
        LockSupport.parkNanos(RETRY_NANOS);
      }
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be locked: %s".formatted(folder, failure.getMessage()), failure);
    }
  }

  private boolean hasRun(Runnable action) throws IOException {
    if (Files.notExists(file)) {
      FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE).close();
    }
    Optional<Object> before = identity();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      lock(channel);
      // The last holder deleted the file: a lock on what has no name any more keeps nobody out.
      if (before.isEmpty() || !before.equals(identity())) {
        return false;
      }
      try {
        action.run();
      } finally {
        Files.deleteIfExists(file);
      }
      return true;
    } catch (OverlappingFileLockException | NoSuchFileException busy) {
      return false;
    }
  }

  private static void lock(FileChannel channel) {
    try {
      channel.lock();
    } catch (IOException unsupported) {
      // A file system without locks: as safe as with a single writer.
    }
  }

  private Optional<Object> identity() throws IOException {
    try {
      Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
      return Optional.of(key == null ? file : key);
    } catch (NoSuchFileException gone) {
      return Optional.empty();
    }
  }
}
