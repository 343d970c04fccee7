package io.github.tpdiff.evaluation.experiment;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What quality a training has come to at points of its computing.
 *
 * @param costs above 0, each larger than the one before
 * @param qualities of which more is better
 */
public record QualityCurve(List<Double> costs, List<Double> qualities) {
  /**
   * @throws IllegalArgumentException if there is no point or costs do not rise
   */
  public QualityCurve {
    costs = List.copyOf(costs);
    qualities = List.copyOf(qualities);
    checkArgument(
        !costs.isEmpty() && costs.size() == qualities.size(),
        "curve: expected as many costs as qualities, at least one, found %s and %s",
        costs.size(),
        qualities.size());
    for (int i = 0; i < costs.size(); i++) {
      checkArgument(
          costs.get(i) > (i == 0 ? 0 : costs.get(i - 1)) && Double.isFinite(costs.get(i)),
          "curve: expected costs above 0 that rise, found %s",
          costs);
      checkArgument(
          Double.isFinite(qualities.get(i)), "curve: expected numbers, found %s", qualities);
    }
  }

  /** The mean of curves, costs too: points are as many steps of each, which take other times. */
  static QualityCurve mean(List<QualityCurve> curves) {
    int points = curves.stream().mapToInt(c -> c.costs().size()).min().orElse(0);
    var costs = new ArrayList<Double>();
    var qualities = new ArrayList<Double>();
    for (int i = 0; i < points; i++) {
      int at = i;
      costs.add(curves.stream().mapToDouble(c -> c.costs().get(at)).average().orElseThrow());
      qualities.add(
          curves.stream().mapToDouble(c -> c.qualities().get(at)).average().orElseThrow());
    }
    return new QualityCurve(costs, qualities);
  }

  /**
   * The nearest curve that never falls, by least squares: pools of neighbours that would fall have
   * their mean (pool adjacent violators, Ayer et al. 1955). A few clips make quality noisy;
   * training does not make it worse.
   */
  QualityCurve rising() {
    var means = new ArrayList<Double>();
    var sizes = new ArrayList<Integer>();
    for (double quality : qualities) {
      double mean = quality;
      int size = 1;
      while (!means.isEmpty() && means.get(means.size() - 1) >= mean) {
        int last = means.size() - 1;
        mean = (mean * size + means.get(last) * sizes.get(last)) / (size + sizes.get(last));
        size += sizes.get(last);
        means.remove(last);
        sizes.remove(last);
      }
      means.add(mean);
      sizes.add(size);
    }
    var rising = new ArrayList<Double>();
    for (int i = 0; i < means.size(); i++) {
      for (int k = 0; k < sizes.get(i); k++) {
        rising.add(means.get(i));
      }
    }
    return new QualityCurve(costs, rising);
  }

  double last() {
    return qualities.get(qualities.size() - 1);
  }

  /**
   * The least cost of a quality, on a line between points over the logarithm of costs; empty if it
   * is never reached, or was before the first point, where nobody looked: as of a curve that begins
   * flat.
   */
  OptionalDouble costOf(double quality) {
    for (int i = 0; i < costs.size(); i++) {
      double here = qualities.get(i);
      if (here < quality) {
        continue;
      }
      if (i == 0) {
        boolean rises = costs.size() == 1 || qualities.get(1) > here;
        return here == quality && rises ? OptionalDouble.of(costs.get(0)) : OptionalDouble.empty();
      }
      double before = qualities.get(i - 1);
      double share = here == before ? 1 : (quality - before) / (here - before);
      double from = Math.log(costs.get(i - 1));
      return OptionalDouble.of(Math.exp(from + share * (Math.log(costs.get(i)) - from)));
    }
    return OptionalDouble.empty();
  }

  /**
   * How many times less computing this takes than another to the best quality that both reach.
   * Empty where one begins above what the other ends at.
   */
  OptionalDouble speedUpOver(QualityCurve other) {
    QualityCurve own = rising();
    QualityCurve others = other.rising();
    double quality = Math.min(own.last(), others.last());
    return ratio(others.costOf(quality), own.costOf(quality));
  }

  /** The same to the quality that the other has at each of its points. */
  List<OptionalDouble> speedUpsOver(QualityCurve other) {
    QualityCurve own = rising();
    QualityCurve others = other.rising();
    return others.qualities().stream()
        .map(quality -> ratio(others.costOf(quality), own.costOf(quality)))
        .toList();
  }

  private static OptionalDouble ratio(OptionalDouble over, OptionalDouble under) {
    return over.isPresent() && under.isPresent()
        ? OptionalDouble.of(over.getAsDouble() / under.getAsDouble())
        : OptionalDouble.empty();
  }
}
