package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Named tensors whose payloads are reached without copying.
 *
 * <p>Payloads are row-major and little-endian. Buffers stay valid after {@link #close()} but are no
 * longer handed out. Reading is safe from several threads.
 */
public interface TensorSource extends AutoCloseable {

  /** Names of all tensors, in the order their payloads lie. */
  Set<String> names();

  /** Type and shape of a tensor, if it exists. */
  Optional<TensorInfo> find(String name);

  /**
   * Type and shape of a tensor that must exist.
   *
   * @throws CheckpointException naming this source, the tensor and the nearest name there is
   */
  default TensorInfo require(String name) {
    return find(name)
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: tensor '%s' is missing%s"
                        .formatted(
                            origin(),
                            name,
                            NearestName.of(name, names())
                                .map(near -> "; the nearest name is '" + near + "'")
                                .orElse(""))));
  }

  /**
   * The whole payload: read-only, little-endian, direct, not copied.
   *
   * @throws CheckpointException when the tensor is missing or larger than 2^31 - 1 bytes; read such
   *     tensors in slices
   */
  default ByteBuffer bytes(String name) {
    long size = require(name).byteCount();
    if (size > Integer.MAX_VALUE) {
      throw new CheckpointException(
          "%s: tensor '%s' has %d bytes, more than one buffer holds; read it in slices"
              .formatted(origin(), name, size));
    }
    return bytes(name, 0, (int) size);
  }

  /**
   * Bytes {@code [offset, offset + length)} of the payload, for tensors of any size: read-only,
   * little-endian, direct, not copied.
   *
   * @throws CheckpointException when the tensor is missing or the slice leaves it
   */
  ByteBuffer bytes(String name, long offset, int length);

  /** Where the payload lies plainly in a file, if it does. */
  Optional<FileRegion> region(String name);

  /**
   * The tensor as it is stored, where reading it makes another type of it; else as {@link #require}
   * says. Whoever holds a payload of such a tensor holds more than the file has.
   */
  default TensorInfo stored(String name) {
    return require(name);
  }

  /**
   * The tensor as eight-bit codes with scales, where it is stored so; eight-bit floats without a
   * scale stand for themselves.
   */
  default Optional<ScaledCodes> scaled(String name) {
    return require(name).dtype().isEightBitFloat()
        ? Optional.of(ScaledCodes.plain(this, name))
        : Optional.empty();
  }

  /** Strings that accompany the tensors. */
  Map<String, String> metadata();

  /** The file or a description of this source, for messages. */
  default String origin() {
    return "tensors";
  }

  /**
   * A floating-point tensor as fp32, converted (F64 is rounded).
   *
   * @throws CheckpointException when the tensor is missing, not floating, or over 2^31 - 1 elements
   */
  default float[] floats(String name) {
    return FloatCodec.read(this, name);
  }

  /**
   * This source under other names; closing the view closes this source.
   *
   * @param newName the new name of an existing one, or empty to leave the tensor out
   * @throws CheckpointException when two tensors get the same name
   */
  default TensorSource renamed(Function<String, Optional<String>> newName) {
    return new RenamedTensors(this, newName);
  }

  /**
   * This source, whose payloads throw a {@link CheckpointException} that names the tensor when what
   * is read holds NaN or infinity; slices begin and end with whole elements.
   */
  default TensorSource finite() {
    return new FiniteTensors(this);
  }

  /**
   * This source with some tensors rounded to BF16; those stored in no more bits stay as they are.
   */
  default TensorSource inBf16(Set<String> tensors) {
    return new Bf16Tensors(this, tensors);
  }

  /**
   * This source with some tensors rounded to {@link #scaled} codes. They appear as the F32 tensors
   * that they then stand for; those stored in such codes stay as they are, as do eight-bit floats
   * of any kind where the codes are such. A number that is not finite is refused when it is read.
   */
  default TensorSource quantized(Set<String> tensors, Quantization quantization) {
    return new QuantizedTensors(this, tensors, quantization);
  }

  /** This source with the tensors and metadata of {@code top} added or in place of its own. */
  default TensorSource overlaid(TensorSource top) {
    return new OverlaidTensors(this, top);
  }

  /**
   * Checks that nobody has changed the files that payloads are mapped from since they were opened.
   *
   * @throws CheckpointException naming a file that was cut short or written to
   */
  default void requireUnchanged() {}

  @Override
  void close();
}
