package io.github.tpdiff.lora.train;

import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Keeps other trainings or servers out of a folder until it is closed; the system takes it from a
 * process that dies. Its hidden file stays in the folder.
 */
public final class FolderLock implements AutoCloseable {
  private static final String FILE = ".tpdiff.lock";

  private final Path folder;
  private final FileChannel channel;

  private FolderLock(Path folder, FileChannel channel) {
    this.folder = folder;
    this.channel = channel;
  }

  /**
   * Takes a folder, which is made if it is not there.
   *
   * @throws CheckpointException if another training has it, in this process or another, or it
   *     cannot be written
   */
  public static FolderLock of(Path folder) {
    return of(folder, "training", "output.folder");
  }

  /**
   * Takes a folder, which is made if it is not there.
   *
   * @param writer who writes there, in a word
   * @param setting by which another folder is chosen
   * @throws CheckpointException if another has it, in this process or another, or it cannot be
   *     written
   */
  public static FolderLock of(Path folder, String writer, String setting) {
    try {
      Files.createDirectories(folder);
      FileChannel channel =
          FileChannel.open(
              folder.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (isTaken(channel)) {
        channel.close();
        throw new CheckpointException(
            "%s: another %s writes into this folder; wait for its end or choose another %s"
                .formatted(folder, writer, setting));
      }
      return new FolderLock(folder, channel);
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be written: %s".formatted(folder, AtomicFile.reason(failure)), failure);
    }
  }

  private static boolean isTaken(FileChannel channel) {
    try {
      FileLock lock = channel.tryLock();
      return lock == null;
    } catch (OverlappingFileLockException ours) {
      return true;
    } catch (IOException unsupported) {
      // A file system without locks: as safe as with one training at a time.
      return false;
    }
  }

  /** The folder that is held. */
  public Path folder() {
    return folder;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be unlocked: %s".formatted(folder, failure.getMessage()), failure);
    }
  }
}
