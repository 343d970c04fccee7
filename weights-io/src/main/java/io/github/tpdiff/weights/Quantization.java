package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/**
 * How numbers become eight-bit codes with fp32 scales: of the numbers that share a scale, the one
 * of largest magnitude gets the largest code, and all others are rounded to the nearest, ties to
 * even.
 */
public enum Quantization {
  /** E4M3, one scale a tensor. */
  E4M3_TENSOR(DType.F8_E4M3, 448, false),
  /** E4M3, one scale for each row, that is for each index of the first axis. */
  E4M3_ROWS(DType.F8_E4M3, 448, true),
  /** Integers from -127 to 127, so that both signs have the same range; a scale for each row. */
  I8_ROWS(DType.I8, 127, true);

  private final DType dtype;
  private final float largest;
  private final boolean byRows;

  Quantization(DType dtype, float largest, boolean byRows) {
    this.dtype = dtype;
    this.largest = largest;
    this.byRows = byRows;
  }

  /** Of the codes. */
  public DType dtype() {
    return dtype;
  }

  /** How many scales a tensor has. */
  int scales(TensorInfo info) {
    return byRows && !info.shape().isEmpty() ? Math.toIntExact(info.shape().get(0)) : 1;
  }

  /** Whether a tensor that is stored in these codes already stays as it is. */
  boolean keeps(DType codes) {
    return codes == dtype || (codes.isEightBitFloat() && dtype.isEightBitFloat());
  }

  /** That of numbers of this largest magnitude. */
  float scale(float magnitude) {
    return magnitude == 0 ? 1 : Math.max(magnitude / largest, Float.MIN_VALUE);
  }

  /** Writes the codes of numbers that were divided by their scales; these are overwritten. */
  void encode(float[] quotients, ByteBuffer codes) {
    for (int i = 0; i < quotients.length; i++) {
      // A scale that is subnormal is rounded too far to bring every number below the largest.
      quotients[i] = Math.max(-largest, Math.min(largest, quotients[i]));
    }
    if (dtype == DType.I8) {
      for (float quotient : quotients) {
        codes.put((byte) Math.rint(quotient));
      }
    } else {
      FloatCodec.encode(FloatBuffer.wrap(quotients), dtype, codes);
    }
  }

  /** The numbers that codes are, not yet multiplied by scales. */
  static float[] numbers(DType codes, ByteBuffer bytes) {
    if (codes != DType.I8) {
      return FloatCodec.decode(codes, bytes);
    }
    var numbers = new float[bytes.remaining()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = bytes.get(bytes.position() + i);
    }
    return numbers;
  }
}
