package io.github.tpdiff.runtime.picture;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Which pixels along one axis make up each pixel of the result, and with what weights.
 *
 * @param first the first pixel that counts, for each pixel of the result
 * @param weights integers of 2⁻²² from there on, for each pixel of the result
 */
@SuppressWarnings("ArrayRecordComponent") // lives within one resize
record ResampleTaps(int[] first, int[][] weights) {
  private static final int PRECISION_BITS = 32 - 8 - 2;
  private static final int ONE = 1 << PRECISION_BITS;

  /** What sums of weighted bytes begin with, so that they are rounded. */
  static final int HALF = ONE / 2;

  /**
   * Weights for a stretch of the resized axis. They sum to 1 before they are rounded, half away
   * from zero.
   */
  static ResampleTaps of(int in, int out, ResampleFilter filter, Span span) {
    return in == out ? copying(span) : filtered(in, out, filter, span);
  }

  private static ResampleTaps copying(Span span) {
    int[] first = IntStream.range(span.start(), span.start() + span.length()).toArray();
    var weights = new int[span.length()][];
    Arrays.fill(weights, new int[] {ONE});
    return new ResampleTaps(first, weights);
  }

  private static ResampleTaps filtered(int in, int out, ResampleFilter filter, Span span) {
    double scale = (double) in / out;
    double filterScale = Math.max(scale, 1);
    double support = filter.support() * filterScale;
    double inverse = 1 / filterScale;
    var first = new int[span.length()];
    var weights = new int[span.length()][];
    for (int i = 0; i < span.length(); i++) {
      double centre = (span.start() + i + 0.5) * scale;
      int from = Math.max(0, (int) (centre - support + 0.5));
      int to = Math.min(in, (int) (centre + support + 0.5));
      var exact = new double[to - from];
      double sum = 0;
      for (int x = 0; x < exact.length; x++) {
        exact[x] = filter.weight((x + from - centre + 0.5) * inverse);
        sum += exact[x];
      }
      first[i] = from;
      weights[i] = new int[exact.length];
      for (int x = 0; x < exact.length; x++) {
        double share = sum == 0 ? exact[x] : exact[x] / sum;
        double scaled = share * ONE;
        weights[i][x] = (int) (scaled < 0 ? scaled - 0.5 : scaled + 0.5);
      }
    }
    return new ResampleTaps(first, weights);
  }

  int length() {
    return first.length;
  }

  /** The stretch that all of them lie in. */
  Span source() {
    int start = first[0];
    int last = length() - 1;
    return new Span(start, first[last] + weights[last].length - start);
  }

  /** The same for an axis that begins later. */
  ResampleTaps from(int start) {
    return new ResampleTaps(IntStream.of(first).map(pixel -> pixel - start).toArray(), weights);
  }

  /** A sum of weighted bytes that began with {@link #HALF}. */
  static byte toByte(int sum) {
    return (byte) Math.max(0, Math.min(255, sum >> PRECISION_BITS));
  }

  /**
   * A stretch of an axis.
   *
   * @param start its first pixel
   * @param length how many
   */
  record Span(int start, int length) {
    static Span whole(int length) {
      return new Span(0, length);
    }

    /** The middle of an axis, or all of it where it is shorter. */
    static Span middle(int of, int wanted) {
      return wanted >= of ? whole(of) : new Span((of - wanted) / 2, wanted);
    }
  }
}
