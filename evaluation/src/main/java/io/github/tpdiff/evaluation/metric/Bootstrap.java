package io.github.tpdiff.evaluation.metric;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

/**
 * How much a figure would change with other videos of the same kind: it is computed again for sets
 * drawn from the given with replacement. Source: Efron and Tibshirani, "An introduction to the
 * bootstrap", 1993.
 *
 * @param resamples sets that are drawn
 * @param seed of the draws
 */
public record Bootstrap(int resamples, long seed) {
  /** Normal quantile of 97.5 %. */
  private static final double TWO_SIDED = 1.959963984540054;

  private static final double TAIL = 0.025;

  /** An interval of 95 %. */
  public record Interval(double low, double high) {
    /** The central 95 % of numbers, of which there are some. */
    public static Interval central(double[] values) {
      double[] sorted = values.clone();
      Arrays.sort(sorted);
      return new Interval(quantile(sorted, TAIL), quantile(sorted, 1 - TAIL));
    }

    /** Between sorted numbers in proportion, as numpy does. */
    private static double quantile(double[] sorted, double share) {
      double place = share * (sorted.length - 1);
      int below = (int) place;
      int above = Math.min(sorted.length - 1, below + 1);
      return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
  }

  public Bootstrap {
    checkArgument(
        resamples >= 20 && resamples <= 1_000_000,
        "resamples: expected 20 to 1000000, found %s",
        resamples);
  }

  /**
   * The central 95 % of a figure over drawn sets.
   *
   * @param count items of the given set
   * @param figure of a set, given as indices of items
   */
  Interval percentiles(int count, ToDoubleFunction<int[]> figure) {
    return Interval.central(figures(count, figure));
  }

  private double[] figures(int count, ToDoubleFunction<int[]> figure) {
    var random = new SplittableRandom(seed);
    var figures = new double[resamples];
    for (int i = 0; i < resamples; i++) {
      figures[i] = figure.applyAsDouble(draw(count, random));
    }
    return figures;
  }

  static int[] draw(int count, SplittableRandom random) {
    return random.ints(count, 0, count).toArray();
  }

  /**
   * The figure with 1.96 standard deviations to each side. For figures that drawn sets overstate,
   * as distances of covariances: the same item twice says less than two.
   *
   * @param figures of drawn sets
   */
  static Interval around(double value, double[] figures) {
    double mean = Arrays.stream(figures).average().orElseThrow();
    double variance =
        Arrays.stream(figures).map(figure -> (figure - mean) * (figure - mean)).sum()
            / (figures.length - 1);
    double reach = TWO_SIDED * Math.sqrt(variance);
    return new Interval(Math.max(0, value - reach), value + reach);
  }
}
