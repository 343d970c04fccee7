package io.github.tpdiff.conformance.golden;

/**
 * A result beside its reference.
 *
 * @param tensor its name in {@code io.safetensors}, or of the group that is judged together
 * @param max largest difference, relative unless {@code limits} say otherwise
 * @param rms root mean square difference
 * @param passed whether both are within the limits
 */
public record Difference(String tensor, double max, double rms, boolean passed) {

  /**
   * Relative differences of {@code actual} to {@code expected}; NaN equals NaN, an infinity only
   * itself.
   */
  static Difference relative(String tensor, double[] actual, double[] expected, Limits limits) {
    Sums sums = Sums.of(actual, expected);
    double max = ratio(sums.largest, sums.scale);
    double rms = ratio(Math.sqrt(sums.squares), Math.sqrt(sums.scaleSquares));
    boolean passed =
        max <= limits.max() && (limits.rms().isEmpty() || rms <= limits.rms().getAsDouble());
    return new Difference(tensor, max, rms, passed);
  }

  /** Where the reference is zero, only zero is near it. */
  private static double ratio(double difference, double scale) {
    return difference == 0 ? 0 : difference / scale;
  }

  /** Sums over the elements of a pair of tensors. */
  record Sums(double largest, double squares, double scale, double scaleSquares) {
    static Sums of(double[] actual, double[] expected) {
      double largest = 0;
      double squares = 0;
      double scale = 0;
      double scaleSquares = 0;
      for (int i = 0; i < expected.length; i++) {
        double difference = difference(actual[i], expected[i]);
        largest = Math.max(largest, difference);
        squares += difference * difference;
        if (Double.isFinite(expected[i])) {
          scale = Math.max(scale, Math.abs(expected[i]));
          scaleSquares += expected[i] * expected[i];
        }
      }
      return new Sums(largest, squares, scale, scaleSquares);
    }

    private static double difference(double actual, double expected) {
      if (Double.compare(actual, expected) == 0 || actual == expected) {
        return 0;
      }
      double difference = Math.abs(actual - expected);
      return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
    }
  }
}
