package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;

/**
 * Refuses what no weight should be: NaN, infinities, and numbers that become one of them in the
 * type they are stored as.
 */
public final class FiniteNumbers {

  /** Elements looked at together: few enough for the cache. */
  private static final int BLOCK = 4096;

  /** Elements of a tensor read together. */
  private static final int SLICE = 1 << 20;

  private FiniteNumbers() {}

  /**
   * Checks a tensor's numbers as fp32, read in slices; one that is not floating passes.
   *
   * @throws CheckpointException naming the source and the tensor, when one is not finite
   */
  public static void require(TensorSource source, String tensor) {
    TensorInfo info = source.require(tensor);
    if (!info.dtype().isFloating()) {
      return;
    }
    int size = info.dtype().bytes();
    for (long start = 0; start < info.elementCount(); start += SLICE) {
      int count = (int) Math.min(SLICE, info.elementCount() - start);
      ByteBuffer slice = source.bytes(tensor, start * size, count * size);
      for (float value : FloatCodec.decode(info.dtype(), slice)) {
        if (!Float.isFinite(value)) {
          throw notFinite(source.origin(), tensor, value);
        }
      }
    }
  }

  /**
   * Checks numbers before they are stored.
   *
   * @param origin the file the numbers come from or go to, for the message
   * @param stored the tensor that they become, in the type it is stored as
   * @param values some of its elements, in order
   * @throws CheckpointException naming the tensor and the first number that is not finite, or that
   *     overflows the type
   */
  public static void requireStorable(String origin, TensorInfo stored, float[] values) {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw notFinite(origin, stored.name(), value);
      }
    }
    DType dtype = stored.dtype();
    if (dtype == DType.F32 || dtype == DType.F64) {
      return;
    }
    ByteBuffer encoded = ByteBuffer.allocate(Math.min(BLOCK, values.length) * dtype.bytes());
    for (int start = 0; start < values.length; start += BLOCK) {
      int count = Math.min(BLOCK, values.length - start);
      encoded.clear();
      FloatCodec.encode(FloatBuffer.wrap(values, start, count), dtype, encoded);
      float[] back = FloatCodec.decode(dtype, encoded.flip());
      requireFit(origin, stored, FloatBuffer.wrap(values, start, count), back);
    }
  }

  /**
   * Checks numbers that were stored.
   *
   * @param meant what was to be stored, from the buffer's position on
   * @param back the same numbers read back
   */
  static void requireFit(String origin, TensorInfo stored, FloatBuffer meant, float[] back) {
    for (int i = 0; i < back.length; i++) {
      float value = meant.get(meant.position() + i);
      if (!Float.isFinite(value)) {
        throw notFinite(origin, stored.name(), value);
      }
      if (!Float.isFinite(back[i])) {
        throw new CheckpointException(
            "%s: tensor '%s': expected values that fit %s, found %s; store it as %s"
                .formatted(
                    origin,
                    stored.name(),
                    stored.dtype(),
                    value,
                    stored.dtype() == DType.BF16 ? "F32" : "BF16 or F32"));
      }
    }
  }

  static CheckpointException notFinite(String origin, String tensor, float value) {
    return new CheckpointException(
        "%s: tensor '%s': expected finite numbers, found %s".formatted(origin, tensor, value));
  }

  /** The first number in little-endian elements that is not finite, or 0. */
  static float firstNotFinite(DType dtype, ByteBuffer bytes) {
    int size = dtype.bytes();
    int count = bytes.remaining() / size;
    if (dtype == DType.F64) {
      // Not as fp32, in which large ones are infinite.
      return firstNotFinite(bytes.slice().order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer());
    }
    float[] block = new float[Math.min(BLOCK, count)];
    for (int start = 0; start < count; start += BLOCK) {
      int some = Math.min(BLOCK, count - start);
      FloatBuffer floats = FloatBuffer.wrap(block, 0, some);
      FloatCodec.decode(dtype, bytes.slice(bytes.position() + start * size, some * size), floats);
      for (int i = 0; i < some; i++) {
        if (!Float.isFinite(block[i])) {
          return block[i];
        }
      }
    }
    return 0;
  }

  private static float firstNotFinite(DoubleBuffer numbers) {
    while (numbers.hasRemaining()) {
      double number = numbers.get();
      if (!Double.isFinite(number)) {
        return (float) number;
      }
    }
    return 0;
  }
}
