package io.github.tpdiff.weights;

/**
 * An eight-bit floating-point format: its 256 values, and the code nearest to an fp32 value.
 *
 * <p>Formats and conversions are those of PyTorch: round to nearest, ties to even; what is too
 * large becomes infinity where the format has one, else NaN.
 */
final class Float8 {

  /** What the largest exponent and negative zero mean. */
  private enum Special {
    /** The largest exponent holds infinity and NaN. */
    IEEE,
    /** The code of all ones is NaN, no infinities. */
    FINITE,
    /** The code of negative zero is NaN, no infinities. */
    NO_NEGATIVE_ZERO
  }

  private static final Float8 E4M3 = new Float8(3, 7, Special.FINITE);
  private static final Float8 E5M2 = new Float8(2, 15, Special.IEEE);
  private static final Float8 E4M3FNUZ = new Float8(3, 8, Special.NO_NEGATIVE_ZERO);
  private static final Float8 E5M2FNUZ = new Float8(2, 16, Special.NO_NEGATIVE_ZERO);
  private static final float[] POWERS = powers();

  private final int mantissaBits;
  private final int bias;
  private final Special special;
  private final float[] values = new float[256];

  private Float8(int mantissaBits, int bias, Special special) {
    this.mantissaBits = mantissaBits;
    this.bias = bias;
    this.special = special;
    for (int code = 0; code < 256; code++) {
      values[code] = value(code);
    }
  }

  /**
   * The values of all codes of a format.
   *
   * @throws CheckpointException when the type is no eight-bit float
   */
  static float[] values(DType dtype) {
    return dtype == DType.F8_E8M0 ? POWERS : of(dtype).values;
  }

  /** The code nearest to a value. */
  static byte encode(DType dtype, float value) {
    return (byte) (dtype == DType.F8_E8M0 ? power(value) : of(dtype).code(value));
  }

  private static Float8 of(DType dtype) {
    return switch (dtype) {
      case F8_E4M3 -> E4M3;
      case F8_E5M2 -> E5M2;
      case F8_E4M3FNUZ -> E4M3FNUZ;
      case F8_E5M2FNUZ -> E5M2FNUZ;
      default -> throw new CheckpointException("expected an eight-bit float, found " + dtype);
    };
  }

  private float value(int code) {
    int magnitude = code & 0x7f;
    int exponent = magnitude >>> mantissaBits;
    double fraction = (double) (magnitude & ((1 << mantissaBits) - 1)) / (1 << mantissaBits);
    if (isNan(code)) {
      return Float.NaN;
    }
    double finite =
        exponent == 0 ? Math.scalb(fraction, 1 - bias) : Math.scalb(1 + fraction, exponent - bias);
    double size = magnitude == infinity() ? Double.POSITIVE_INFINITY : finite;
    return (float) (code >= 128 ? -size : size);
  }

  private boolean isNan(int code) {
    return switch (special) {
      case IEEE -> (code & 0x7f) > infinity();
      case FINITE -> (code & 0x7f) == 0x7f;
      case NO_NEGATIVE_ZERO -> code == 0x80;
    };
  }

  /** The code of infinity; beyond all codes where there is none. */
  private int infinity() {
    return special == Special.IEEE ? 0x7f & -(1 << mantissaBits) : 0x80;
  }

  private int nan() {
    return special == Special.NO_NEGATIVE_ZERO ? 0x80 : 0x7f;
  }

  private int code(float value) {
    int sign = value < 0 || 1 / value < 0 ? 0x80 : 0;
    if (Float.isNaN(value)) {
      return nan() | (Float.floatToRawIntBits(value) >>> 31 << 7);
    }
    int magnitude = magnitude(Math.abs((double) value));
    int largest = special == Special.FINITE ? 0x7e : Math.min(0x7f, infinity() - 1);
    if (magnitude > largest) {
      return special == Special.IEEE ? sign | infinity() : sign | nan();
    }
    return special == Special.NO_NEGATIVE_ZERO && magnitude == 0 ? 0 : sign | magnitude;
  }

  /** The code of the nearest number if the format went on without end; capped. */
  private int magnitude(double size) {
    int exponent = Math.max(1 - bias, Math.getExponent(size));
    if (exponent + bias > 0x7f >>> mantissaBits) {
      return 0x80;
    }
    double units = Math.rint(Math.scalb(size, mantissaBits - exponent));
    return ((exponent + bias - 1) << mantissaBits) + (int) units;
  }

  private static float[] powers() {
    float[] powers = new float[256];
    for (int code = 0; code < 255; code++) {
      powers[code] = Math.scalb(1f, code - 127);
    }
    powers[255] = Float.NaN;
    return powers;
  }

  /** The exponent, rounded by the mantissa: ties go up, but for those of subnormal numbers. */
  private static int power(float value) {
    int bits = Float.floatToRawIntBits(value);
    int exponent = (bits >>> 23) & 0xff;
    int mantissa = bits & 0x7fffff;
    if (exponent == 0xff) {
      return 0xff;
    }
    return mantissa > 0x400000 || (mantissa == 0x400000 && exponent > 0) ? exponent + 1 : exponent;
  }
}
