package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * A tensor as eight-bit floats or integers and what they are multiplied by: it stands for {@code
 * float(code) · scale}, in fp32.
 *
 * @param source that holds the codes
 * @param name of the codes in it: a tensor of eight-bit floats, or I8, in the shape of what it
 *     stands for
 * @param given one scale, or one for each row; asked for whenever it is needed
 */
public record ScaledCodes(TensorSource source, String name, Supplier<float[]> given) {

  /** Codes that stand for themselves. */
  public static ScaledCodes plain(TensorSource source, String name) {
    return new ScaledCodes(source, name, () -> new float[] {1});
  }

  /** Type and shape of the codes. */
  public TensorInfo info() {
    return source.require(name);
  }

  /** The scale of each row, that is of each index of the first axis; one where there is none. */
  public float[] scales() {
    float[] own = given.get();
    TensorInfo info = info();
    int rows = info.shape().isEmpty() ? 1 : Math.toIntExact(info.shape().get(0));
    if (own.length == rows) {
      return own.clone();
    }
    float[] all = new float[rows];
    Arrays.fill(all, own[0]);
    return all;
  }

  /** Bytes that this takes: codes and scales. */
  public long byteCount() {
    TensorInfo info = info();
    long rows = info.shape().isEmpty() ? 1 : info.shape().get(0);
    return info.byteCount() + rows * Float.BYTES;
  }

  /** The same codes, those that stand for NaN or infinity refused. */
  ScaledCodes finite() {
    return new ScaledCodes(source.finite(), name, given);
  }

  /**
   * Bytes {@code [offset, offset + length)} of the F32 tensor that this stands for, computed.
   *
   * @throws CheckpointException when the slice leaves it
   */
  public ByteBuffer bytes(long offset, int length) {
    TensorInfo info = info();
    Slices.check(source, new TensorInfo(name, DType.F32, info.shape()), offset, length);
    long first = offset / Float.BYTES;
    long end = (offset + length + Float.BYTES - 1) / Float.BYTES;
    float[] values =
        Quantization.numbers(info.dtype(), source.bytes(name, first, Math.toIntExact(end - first)));
    scale(values, first, info.elementCount());
    ByteBuffer whole =
        ByteBuffer.allocateDirect(Math.multiplyExact(values.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    whole.asFloatBuffer().put(values);
    return whole
        .slice((int) (offset - first * Float.BYTES), length)
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Values from element {@code first} on are replaced by those they stand for. */
  private void scale(float[] values, long first, long elements) {
    float[] scales = given.get();
    long row = elements / Math.max(1, scales.length);
    for (int start = 0; start < values.length; ) {
      long number = (first + start) / row;
      int end = (int) Math.min(values.length, (number + 1) * row - first);
      float scale = scales[(int) number];
      for (int i = start; i < end; i++) {
        values[i] *= scale;
      }
      start = end;
    }
  }
}
