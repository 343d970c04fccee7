package io.github.tpdiff.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * A file written under a temporary name in its folder, which {@link #commit()} forces to disk and
 * renames; closing it without a commit deletes it.
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

  /** Starts a file; missing folders on the way to it are made. */
  public static AtomicFile create(Path target) {
    try {
      Path folder = target.toAbsolutePath().getParent();
      if (folder == null) {
        throw new CheckpointException("%s: expected the path of a file".formatted(target));
      }
      Files.createDirectories(folder);
      Path temporary =
          folder.resolve(".%s.%s.part".formatted(target.getFileName(), UUID.randomUUID()));
      // Not Files.createTempFile: that would leave a checkpoint only its owner can read.
      FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
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
      channel.force(true);
      channel.close();
      try {
        Files.move(
            temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } catch (AtomicMoveNotSupportedException unsupported) {
        Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException failure) {
      throw failure(target, failure);
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
    return new CheckpointException("%s: cannot be written: %s".formatted(target, failure), failure);
  }
}
