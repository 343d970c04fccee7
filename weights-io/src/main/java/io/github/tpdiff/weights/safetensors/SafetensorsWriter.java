package io.github.tpdiff.weights.safetensors;

import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSink;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes one safetensors file of any size in pieces.
 *
 * <p>The header goes first, so the tensors are declared at the start; each has its place from then
 * on. The same tensors and metadata make the same bytes.
 */
public final class SafetensorsWriter implements TensorSink {

  private final AtomicFile file;
  private final HeaderLayout layout;
  private final Map<String, Long> written = new HashMap<>();

  private SafetensorsWriter(AtomicFile file, HeaderLayout layout) {
    this.file = file;
    this.layout = layout;
  }

  /**
   * Starts a file with these tensors and this metadata.
   *
   * @throws CheckpointException when a name is declared twice or the folder cannot be written
   */
  public static SafetensorsWriter create(
      Path target, List<TensorInfo> tensors, Map<String, String> metadata) {
    HeaderLayout layout = HeaderLayout.of(target, tensors, metadata);
    AtomicFile file = AtomicFile.create(target);
    try {
      file.write(0, layout.header());
    } catch (RuntimeException failure) {
      file.close();
      throw failure;
    }
    return new SafetensorsWriter(file, layout);
  }

  /** Writes all tensors of a source and its metadata to a file. */
  public static void write(Path target, TensorSource source) {
    List<TensorInfo> infos = source.names().stream().map(source::require).toList();
    try (SafetensorsWriter writer = create(target, infos, source.metadata())) {
      source.names().forEach(name -> writer.copy(source, name));
      writer.commit();
    }
  }

  @Override
  public void append(String name, ByteBuffer bytes) {
    HeaderLayout.Range range = range(name);
    long done = written.getOrDefault(name, 0L);
    if (bytes.remaining() > range.info().byteCount() - done) {
      throw new CheckpointException(
          "%s: tensor '%s': expected %d bytes, found more"
              .formatted(file.target(), name, range.info().byteCount()));
    }
    written.put(name, done + bytes.remaining());
    file.write(range.offset() + done, bytes);
  }

  @Override
  public void fill(String name, Payload payload) {
    long size = range(name).info().byteCount();
    ByteBuffer chunk = ByteBuffer.allocateDirect((int) Math.min(size, CHUNK_BYTES));
    for (long offset = 0; offset < size; offset += chunk.capacity()) {
      chunk.clear().limit((int) Math.min(size - offset, chunk.capacity()));
      payload.fill(offset, chunk.order(ByteOrder.LITTLE_ENDIAN));
      if (chunk.hasRemaining()) {
        throw new CheckpointException(
            "%s: tensor '%s': expected %d bytes at offset %d, found %d"
                .formatted(file.target(), name, chunk.limit(), offset, chunk.position()));
      }
      append(name, chunk.flip());
    }
  }

  @Override
  public void commit() {
    for (HeaderLayout.Range range : layout.ranges().values()) {
      String name = range.info().name();
      long done = written.getOrDefault(name, 0L);
      if (done != range.info().byteCount()) {
        throw new CheckpointException(
            "%s: tensor '%s': expected %d bytes, found %d"
                .formatted(file.target(), name, range.info().byteCount(), done));
      }
    }
    file.commit();
  }

  @Override
  public void close() {
    file.close();
  }

  private HeaderLayout.Range range(String name) {
    HeaderLayout.Range range = layout.ranges().get(name);
    if (range == null) {
      throw new CheckpointException(
          "%s: tensor '%s' was not declared".formatted(file.target(), name));
    }
    return range;
  }
}
