package io.github.tpdiff.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A file of any size read through memory mappings that are made when first needed.
 *
 * <p>Windows of 2 GiB start at every GiB, so that every slice of up to 1 GiB lies in one of them;
 * larger slices get a mapping of their own. The mappings go when no buffer refers to them.
 *
 * <p>A file that is cut short or written over while it is in use (a copy over it, {@code rsync
 * --inplace}, a full disk of a network) takes the pages away that a mapping shows. Reading them in
 * Java is an {@link InternalError}, reading them in native code ends the process with SIGBUS, which
 * no program survives; {@link #requireUnchanged()} finds most such changes before that. Files that
 * are replaced by renaming another one are safe: the mapping keeps the old one.
 */
public final class MappedFile implements AutoCloseable {

  private static final long WINDOW_STEP = 1L << 30;

  /** Files up to this size may as well be held in memory. */
  private static final long MAX_HELD_BYTES = 32 << 20;

  private final Path path;
  private final FileChannel channel;
  private final long size;
  private final BasicFileAttributes opened;
  private final AtomicReferenceArray<ByteBuffer> windows;

  private MappedFile(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    this.size = channel.size();
    this.opened = Files.readAttributes(path, BasicFileAttributes.class);
    this.windows = new AtomicReferenceArray<>(Math.toIntExact(size / WINDOW_STEP + 1));
  }

  /**
   * Opens a file for reading.
   *
   * @throws CheckpointException when it is missing, a folder, or unreadable
   */
  public static MappedFile open(Path path) {
    if (Files.isDirectory(path)) {
      throw new CheckpointException("%s: expected a file, found a folder".formatted(path));
    }
    try {
      return opened(path, FileChannel.open(path, StandardOpenOption.READ));
    } catch (NoSuchFileException missing) {
      throw new CheckpointException("%s: no such file".formatted(path), missing);
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be opened: %s".formatted(path, failure), failure);
    }
  }

  private static MappedFile opened(Path path, FileChannel channel) throws IOException {
    try {
      return new MappedFile(path, channel);
    } catch (IOException | RuntimeException failure) {
      channel.close();
      throw failure;
    }
  }

  /**
   * Opens a file that is in use for long: one of at most 32 MiB is read into memory at once, where
   * nothing can happen to it.
   *
   * @throws CheckpointException when it is missing, a folder, or unreadable
   */
  public static MappedFile openForLong(Path path) {
    MappedFile file = open(path);
    if (file.size <= MAX_HELD_BYTES) {
      try {
        file.hold();
      } catch (IOException failure) {
        file.close();
        throw new CheckpointException("%s: cannot be read: %s".formatted(path, failure), failure);
      }
    }
    return file;
  }

  private void hold() throws IOException {
    ByteBuffer content = ByteBuffer.allocateDirect((int) size);
    while (content.hasRemaining()) {
      if (channel.read(content, content.position()) < 0) {
        throw changed();
      }
    }
    windows.set(0, content.flip().asReadOnlyBuffer());
  }

  /**
   * Checks that the file is as it was when it was opened.
   *
   * @throws CheckpointException when it was cut short or written to since
   */
  public void requireUnchanged() {
    try {
      if (channel.isOpen() && (channel.size() != size || isWritten())) {
        throw changed();
      }
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(path, failure), failure);
    }
  }

  /** Not of a file that has taken the opened one's name. */
  private boolean isWritten() throws IOException {
    if (!Files.exists(path)) {
      return false;
    }
    BasicFileAttributes now = Files.readAttributes(path, BasicFileAttributes.class);
    return Objects.equals(now.fileKey(), opened.fileKey())
        && !now.lastModifiedTime().equals(opened.lastModifiedTime());
  }

  private CheckpointException changed() {
    return new CheckpointException(
        "%s: changed while in use; leave it as it is until the command has ended".formatted(path));
  }

  public Path path() {
    return path;
  }

  public long size() {
    return size;
  }

  /** Bytes {@code [offset, offset + length)}: read-only, little-endian, mapped. */
  public ByteBuffer slice(long offset, int length) {
    if (offset < 0 || length < 0 || offset > size - length) {
      throw new CheckpointException(
          "%s: expected %d bytes at %d, but the file ends at %d"
              .formatted(path, length, offset, size));
    }
    if (!channel.isOpen()) {
      throw new CheckpointException("%s: read after it was closed".formatted(path));
    }
    int window = (int) (offset / WINDOW_STEP);
    long start = window * WINDOW_STEP;
    long windowLength = Math.min(size - start, Integer.MAX_VALUE);
    ByteBuffer slice =
        offset + length <= start + windowLength
            ? window(window, start, windowLength).slice((int) (offset - start), length)
            : map(offset, length);
    return slice.order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer window(int index, long start, long length) {
    ByteBuffer mapped = windows.get(index);
    if (mapped == null) {
      mapped = map(start, length);
      if (!windows.compareAndSet(index, null, mapped)) {
        mapped = windows.get(index);
      }
    }
    return mapped;
  }

  private MappedByteBuffer map(long start, long length) {
    try {
      return channel.map(MapMode.READ_ONLY, start, length);
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be mapped: %s".formatted(path, failure), failure);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be closed: %s".formatted(path, failure), failure);
    }
  }
}
