package io.github.tpdiff.weights;

import java.nio.ByteBuffer;

/**
 * A checkpoint being written: tensors are declared when it is opened, payloads follow in pieces,
 * and nothing appears under the final name until {@link #commit()}.
 *
 * <p>Tensors may come in any order, the bytes of one tensor in sequence. Memory use does not depend
 * on the tensors' sizes. Closing without a commit leaves no trace. Not for several threads at once.
 */
public interface TensorSink extends AutoCloseable {

  /** Size of the pieces that {@link #fill} and {@link #copy} move. */
  int CHUNK_BYTES = 8 << 20;

  /** Produces a payload piece by piece. */
  @FunctionalInterface
  interface Payload {

    /**
     * Fills the whole of {@code chunk}, little-endian, with the payload from {@code offset} on.
     *
     * @param offset in bytes, a multiple of the element size
     */
    void fill(long offset, ByteBuffer chunk);
  }

  /**
   * Writes the next bytes of a tensor.
   *
   * @throws CheckpointException when the tensor was not declared, gets more bytes than declared, or
   *     the disk refuses them
   */
  void append(String name, ByteBuffer bytes);

  /** Writes a whole tensor from a producer. */
  void fill(String name, Payload payload);

  /** Writes a whole tensor from a source that has it under the same name, type and shape. */
  default void copy(TensorSource source, String name) {
    long size = source.require(name).byteCount();
    for (long offset = 0; offset < size; offset += CHUNK_BYTES) {
      append(name, source.bytes(name, offset, (int) Math.min(CHUNK_BYTES, size - offset)));
    }
  }

  /**
   * Forces everything to disk and gives the checkpoint its name, replacing what was there.
   *
   * @throws CheckpointException when a declared tensor is incomplete
   */
  void commit();

  /** Discards what was not committed. */
  @Override
  void close();
}
