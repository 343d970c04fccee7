package io.github.tpdiff.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A file written under a temporary name in its folder, which {@link #commit()} forces to disk and
 * renames; closing it without a commit deletes it.
 *
 * <p>Whatever interrupts the writing, the final name shows the old file or the whole new one. Of
 * several writers of one name the last to commit wins. What a killed process left behind goes when
 * the same name is next written.
 */
public final class AtomicFile implements AutoCloseable {

  private final Path target;
  private final Path temporary;
  private final FileChannel channel;

  private AtomicFile(Path target, Path temporary, FileChannel channel) {
    this.target = target;
    this.temporary = temporary;
    this.channel = channel;
  }

  /**
   * Whether someone is writing a file, or was stopped at it, so that what is there under its name
   * is older.
   */
  public static boolean isUnfinished(Path target) throws IOException {
    Path folder = target.toAbsolutePath().getParent();
    return folder != null && new PartFiles(target).areIn(folder);
  }

  /** Starts a file; missing folders on the way to it are made. */
  public static AtomicFile create(Path target) {
    Path folder = target.toAbsolutePath().getParent();
    if (folder == null || Files.isDirectory(target)) {
      throw new CheckpointException(
          "%s: expected the path of a file, found a folder".formatted(target));
    }
    try {
      Files.createDirectories(folder);
      PartFiles parts = new PartFiles(target);
      parts.deleteAbandoned(folder);
      Path temporary = parts.next(folder);
      // Not Files.createTempFile: that would leave a checkpoint only its owner can read.
      FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      PartFiles.claim(channel);
      return new AtomicFile(target, temporary, channel);
    } catch (IOException failure) {
      throw failure(target, failure);
    }
  }

  /** Writes a whole file at once. */
  public static void write(Path target, byte[] content) {
    try (AtomicFile file = create(target)) {
      file.write(0, ByteBuffer.wrap(content));
      file.commit();
    }
  }

  public Path target() {
    return target;
  }

  /**
   * Leaves the writing to something that takes a path and not bytes: where the content belongs
   * until the commit.
   */
  public Path handOver() {
    try {
      channel.close();
      return temporary;
    } catch (IOException failure) {
      throw failure(target, failure);
    }
  }

  /** Writes all remaining bytes at a position. */
  public void write(long position, ByteBuffer bytes) {
    try {
      long at = position;
      while (bytes.hasRemaining()) {
        at += channel.write(bytes, at);
      }
    } catch (IOException failure) {
      throw failure(target, failure);
    }
  }

  /** Forces the file to disk and gives it its name. */
  public void commit() {
    try {
      try (FileChannel written =
          channel.isOpen() ? channel : FileChannel.open(temporary, StandardOpenOption.WRITE)) {
        written.force(true);
      }
      rename();
      PartFiles.forceNames(target);
    } catch (IOException failure) {
      throw failure(target, failure);
    }
  }

  private void rename() throws IOException {
    try {
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException unsupported) {
      Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
      Files.deleteIfExists(temporary);
    } catch (IOException failure) {
      throw failure(target, failure);
    }
  }

  private static CheckpointException failure(Path target, IOException failure) {
    return new CheckpointException(
        "%s: cannot be written: %s".formatted(target, reason(failure)), failure);
  }

  /** Why something could not be written, in words for users. */
  public static String reason(IOException failure) {
    if (failure instanceof AccessDeniedException denied) {
      return "access denied to " + Path.of(denied.getFile()).getParent();
    }
    if (failure instanceof FileAlreadyExistsException taken) {
      return "expected a folder, found a file: " + taken.getFile();
    }
    if (failure instanceof NoSuchFileException gone) {
      return "no such folder: " + Path.of(gone.getFile()).getParent();
    }
    if (failure instanceof FileSystemException named && named.getReason() != null) {
      return named.getReason();
    }
    return String.valueOf(failure.getMessage());
  }
}
