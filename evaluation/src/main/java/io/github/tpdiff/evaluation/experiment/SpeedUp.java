package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.evaluation.metric.Bootstrap.Interval;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * How many times less one way to train takes than another to the same quality.
 *
 * @param value on the mean curves of all seeds, to the best quality that both reach; empty where
 *     one begins above what the other ends at
 * @param low of the interval of 95 % over seeds; empty for fewer than two seeds
 * @param high likewise
 * @param atPoints to the quality that the other has at each of its points; empty where this never
 *     reaches it or begins above it
 */
public record SpeedUp(
    OptionalDouble value, OptionalDouble low, OptionalDouble high, List<OptionalDouble> atPoints) {
  private static final int RESAMPLES = 2000;

  /** Of the draws that say something, for an interval of all. */
  private static final double ENOUGH = 0.9;

  public SpeedUp {
    atPoints = List.copyOf(atPoints);
  }

  /**
   * Compares two ways, seed by seed with the same batches.
   *
   * @param own curve of each seed
   * @param others curve of each seed, of the same seeds
   * @return empty if one has no curve
   */
  static Optional<SpeedUp> of(List<QualityCurve> own, List<QualityCurve> others) {
    int seeds = Math.min(own.size(), others.size());
    if (seeds == 0) {
      return Optional.empty();
    }
    int[] all = IntStream.range(0, seeds).toArray();
    QualityCurve mean = mean(own, all);
    QualityCurve otherMean = mean(others, all);
    var draws = new ArrayList<Double>();
    var random = new SplittableRandom(0);
    for (int i = 0; seeds > 1 && i < RESAMPLES; i++) {
      int[] drawn = random.ints(seeds, 0, seeds).toArray();
      mean(own, drawn).speedUpOver(mean(others, drawn)).ifPresent(draws::add);
    }
    boolean enough = seeds > 1 && draws.size() >= ENOUGH * RESAMPLES;
    Optional<Interval> interval =
        Optional.of(draws.stream().mapToDouble(Double::doubleValue).toArray())
            .filter(drawn -> enough)
            .map(Interval::central);
    return Optional.of(
        new SpeedUp(
            mean.speedUpOver(otherMean),
            interval.stream().mapToDouble(Interval::low).findFirst(),
            interval.stream().mapToDouble(Interval::high).findFirst(),
            mean.speedUpsOver(otherMean)));
  }

  private static QualityCurve mean(List<QualityCurve> curves, int[] seeds) {
    return QualityCurve.mean(Arrays.stream(seeds).mapToObj(curves::get).toList());
  }
}
