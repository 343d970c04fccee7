package io.github.tpdiff.weights.safetensors;

import java.math.BigInteger;

/**
 * Whether a JSON number is in the range of the reference implementation.
 *
 * <p>It keeps as many digits as fit into 64 bits and multiplies them by a power of ten in fp64, so
 * that it overflows slightly before fp64 does (serde_json's {@code f64_from_parts}).
 */
final class ReferenceNumber {

  private static final BigInteger MAX_DIGITS =
      BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
  private static final int LARGEST_POWER = 308;
  private static final int MAX_EXPONENT_DIGITS = 9;

  private ReferenceNumber() {}

  /** Expects a well-formed number. */
  static boolean isInRange(String text) {
    String number = text.startsWith("-") ? text.substring(1) : text;
    int e = Math.max(number.indexOf('e'), number.indexOf('E'));
    String mantissa = e < 0 ? number : number.substring(0, e);
    int point = mantissa.indexOf('.');
    String whole = point < 0 ? mantissa : mantissa.substring(0, point);
    BigInteger digits = BigInteger.ZERO;
    int dropped = 0;
    for (int i = 0; i < whole.length(); i++) {
      if (dropped > 0 || !fits(digits, whole.charAt(i))) {
        dropped++;
      } else {
        digits = appended(digits, whole.charAt(i));
      }
    }
    int decimals = 0;
    for (int i = point + 1; point >= 0 && i < mantissa.length(); i++) {
      if (!fits(digits, mantissa.charAt(i))) {
        break;
      }
      digits = appended(digits, mantissa.charAt(i));
      decimals++;
    }
    return digits.signum() == 0
        || isFinite(
            digits.doubleValue(),
            exponent(e < 0 ? "0" : number.substring(e + 1)) + dropped - decimals);
  }

  private static boolean fits(BigInteger digits, char next) {
    return appended(digits, next).compareTo(MAX_DIGITS) <= 0;
  }

  private static BigInteger appended(BigInteger digits, char next) {
    return digits.multiply(BigInteger.TEN).add(BigInteger.valueOf(next - '0'));
  }

  /** Beyond any that matters when it does not fit. */
  private static long exponent(String text) {
    boolean negative = text.startsWith("-");
    String digits = text.replaceFirst("^[+-]", "").replaceFirst("^0+(?=.)", "");
    long size = digits.length() > MAX_EXPONENT_DIGITS ? Integer.MAX_VALUE : Long.parseLong(digits);
    return negative ? -size : size;
  }

  private static boolean isFinite(double digits, long exponent) {
    return exponent <= 0
        || (exponent <= LARGEST_POWER
            && !Double.isInfinite(digits * Double.parseDouble("1e" + exponent)));
  }
}
