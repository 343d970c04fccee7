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
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A file of any size read through memory mappings that are made when first needed.
 *
 * <p>Windows of 2 GiB start at every GiB, so that every slice of up to 1 GiB lies in one of them;
 * larger slices get a mapping of their own. The mappings go when no buffer refers to them.
 */
public final class MappedFile implements AutoCloseable {

  private static final long WINDOW_STEP = 1L << 30;

  private final Path path;
  private final FileChannel channel;
  private final long size;
  private final AtomicReferenceArray<MappedByteBuffer> windows;

  private MappedFile(Path path, FileChannel channel, long size) {
    this.path = path;
    this.channel = channel;
    this.size = size;
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
      FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
      return new MappedFile(path, channel, channel.size());
    } catch (NoSuchFileException missing) {
      throw new CheckpointException("%s: no such file".formatted(path), missing);
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be opened: %s".formatted(path, failure), failure);
    }
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

  private MappedByteBuffer window(int index, long start, long length) {
    MappedByteBuffer mapped = windows.get(index);
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
