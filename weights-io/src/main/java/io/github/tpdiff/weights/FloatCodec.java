package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Conversion between fp32 and the other floating-point types, as PyTorch does it.
 *
 * <p>To narrower types: round to nearest, ties to even; overflow to infinity, or NaN where the type
 * has no infinities; subnormals kept; NaN stays NaN. From every type: exact, except F64, which is
 * rounded.
 */
public final class FloatCodec {

  /** 2^112: the factor between the exponent biases of fp32 (127) and F16 (15). */
  private static final float F16_REBIAS = 0x1p112f;

  private FloatCodec() {}

  public static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  public static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  public static float fromF16(short bits) {
    int sign = (bits & 0x8000) << 16;
    int magnitude = (bits & 0x7fff) << 13;
    if (magnitude >= (0x7c00 << 13)) {
      return Float.intBitsToFloat(sign | magnitude | 0x7f800000);
    }
    // Reading the bits as fp32 is off by the exponent bias alone, in subnormals too.
    float scaled = Float.intBitsToFloat(magnitude) * F16_REBIAS;
    return Float.intBitsToFloat(sign | Float.floatToRawIntBits(scaled));
  }

  public static short toF16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff));
    }
    if (magnitude >= 0x477ff000) { // 65520 and up round to infinity
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x38800000) { // below 2^-14: subnormal
      // Adding 0.5 leaves units of 2^-24 in the low bits, rounded by the adder, ties to even.
      float aligned = Float.intBitsToFloat(magnitude) + 0.5f;
      return (short) (sign | (Float.floatToRawIntBits(aligned) - 0x3f000000));
    }
    int rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1) - (112 << 23);
    return (short) (sign | (rounded >>> 13));
  }

  /**
   * Decodes {@code dst.remaining()} elements from the position of {@code src} on.
   *
   * @throws CheckpointException when the type is not floating
   */
  public static void decode(DType dtype, ByteBuffer src, FloatBuffer dst) {
    if (!dtype.isFloating()) {
      throw new CheckpointException("expected a floating type, found " + dtype);
    }
    ByteBuffer bytes =
        src.slice(src.position(), Math.multiplyExact(dst.remaining(), dtype.bytes()))
            .order(ByteOrder.LITTLE_ENDIAN);
    switch (dtype) {
      case F32 -> dst.put(bytes.asFloatBuffer());
      case F64 -> {
        while (dst.hasRemaining()) {
          dst.put((float) bytes.getDouble());
        }
      }
      case F16 -> Halves.decodeF16(bytes, dst);
      case BF16 -> Halves.decodeBf16(bytes, dst);
      default -> {
        float[] values = Float8.values(dtype);
        while (dst.hasRemaining()) {
          dst.put(values[bytes.get() & 0xff]);
        }
      }
    }
  }

  /** The remaining bytes of {@code src} as fp32. */
  public static float[] decode(DType dtype, ByteBuffer src) {
    float[] values = new float[src.remaining() / dtype.bytes()];
    decode(dtype, src, FloatBuffer.wrap(values));
    return values;
  }

  /**
   * Encodes the remaining values of {@code src} as any floating type, little-endian, at the
   * position of {@code dst}, which advances.
   *
   * @throws CheckpointException when the type is not floating
   */
  public static void encode(FloatBuffer src, DType dtype, ByteBuffer dst) {
    if (!dtype.isFloating()) {
      throw new CheckpointException("expected a floating type to write floats to, found " + dtype);
    }
    int length = Math.multiplyExact(src.remaining(), dtype.bytes());
    ByteBuffer bytes = dst.slice(dst.position(), length).order(ByteOrder.LITTLE_ENDIAN);
    switch (dtype) {
      case F32 -> bytes.asFloatBuffer().put(src);
      case F64 -> {
        while (src.hasRemaining()) {
          bytes.putDouble(src.get());
        }
      }
      case F16 -> Halves.encodeF16(src, bytes);
      case BF16 -> Halves.encodeBf16(src, bytes);
      default -> {
        while (src.hasRemaining()) {
          bytes.put(Float8.encode(dtype, src.get()));
        }
      }
    }
    dst.position(dst.position() + length);
  }

  /** A tensor of a source as fp32, read in slices. */
  static float[] read(TensorSource source, String name) {
    TensorInfo info = source.require(name);
    if (!info.dtype().isFloating()) {
      throw new CheckpointException(
          "%s: tensor '%s': expected a floating type, found %s"
              .formatted(source.origin(), name, info.dtype()));
    }
    if (info.elementCount() > Integer.MAX_VALUE - 8) {
      throw new CheckpointException(
          "%s: tensor '%s' has %d elements, more than one array holds"
              .formatted(source.origin(), name, info.elementCount()));
    }
    float[] values = new float[(int) info.elementCount()];
    int step = 1 << 20;
    for (int start = 0; start < values.length; start += step) {
      int count = Math.min(step, values.length - start);
      int size = info.dtype().bytes();
      ByteBuffer slice = source.bytes(name, (long) start * size, count * size);
      decode(info.dtype(), slice, FloatBuffer.wrap(values, start, count));
    }
    return values;
  }
}
