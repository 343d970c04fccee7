package io.github.tpdiff.evaluation.experiment;

import com.google.common.math.Quantiles;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * What an experiment has come to so far.
 *
 * @param title of the plan
 * @param seeds of every arm
 * @param arms by name, in the plan's order
 */
record ExperimentReport(String title, int seeds, Map<String, ArmReport> arms) {
  /**
   * An arm.
   *
   * @param against the arm that it is held against
   * @param flopsPerStep of an optimizer step, on the mean
   * @param video what denoising one of the clips takes that quality is measured on: seconds are the
   *     mean over seeds at their last points
   * @param timed what denoising one of the videos takes that are timed: the median of the rounds;
   *     empty if none are
   * @param bySeed its points
   * @param speedUps by measure: in FLOPs and in seconds
   * @param paper what the paper has
   */
  record ArmReport(
      String against,
      double flopsPerStep,
      VideoCost video,
      Optional<VideoCost> timed,
      List<List<PointResult>> bySeed,
      Map<String, SpeedUps> speedUps,
      Map<String, Double> paper) {
    ArmReport {
      bySeed = List.copyOf(bySeed);
      speedUps = Collections.unmodifiableMap(new LinkedHashMap<>(speedUps));
    }
  }

  /**
   * What denoising a video takes.
   *
   * @param flops by the cost model
   * @param flopsSpeedUp of the arm that it is held against's to these
   * @param seconds as measured; empty without a measurement
   * @param secondsSpeedUp likewise
   */
  record VideoCost(
      double flops, double flopsSpeedUp, OptionalDouble seconds, OptionalDouble secondsSpeedUp) {
    static VideoCost of(
        double flops, double othersFlops, OptionalDouble seconds, OptionalDouble othersSeconds) {
      return new VideoCost(
          flops,
          othersFlops / flops,
          seconds,
          seconds.isPresent() && othersSeconds.isPresent()
              ? OptionalDouble.of(othersSeconds.getAsDouble() / seconds.getAsDouble())
              : OptionalDouble.empty());
    }
  }

  /**
   * What was seen of an arm.
   *
   * @param bySeed its points
   * @param timed its videos that were timed
   */
  record Seen(List<List<PointResult>> bySeed, List<TimedVideo> timed) {
    private static final Seen NOTHING = new Seen(List.of(), List.of());

    Seen {
      bySeed = List.copyOf(bySeed);
      timed = List.copyOf(timed);
    }

    private OptionalDouble videoSeconds() {
      return bySeed.stream()
          .filter(points -> !points.isEmpty())
          .map(points -> points.get(points.size() - 1))
          .filter(point -> point.failure().isEmpty())
          .mapToDouble(PointResult::videoSeconds)
          .average();
    }

    private OptionalDouble timedSeconds() {
      return timed.isEmpty()
          ? OptionalDouble.empty()
          : OptionalDouble.of(
              Quantiles.median().compute(timed.stream().map(TimedVideo::seconds).toList()));
    }
  }

  /** To the same quality. */
  record SpeedUps(Optional<SpeedUp> flops, Optional<SpeedUp> seconds) {}

  /** Of an arm that has no price yet. */
  private static final ArmFacts UNKNOWN = new ArmFacts(0, "", 0, OptionalDouble.empty());

  ExperimentReport {
    arms = Collections.unmodifiableMap(new LinkedHashMap<>(arms));
  }

  static ExperimentReport of(Plan plan, Map<String, ArmFacts> facts, Map<String, Seen> results) {
    var arms = new LinkedHashMap<String, ArmReport>();
    for (String arm : plan.arms().keySet()) {
      String against = plan.againstOf(arm);
      Seen own = results.getOrDefault(arm, Seen.NOTHING);
      Seen other = results.getOrDefault(against, Seen.NOTHING);
      ArmFacts is = facts.getOrDefault(arm, UNKNOWN);
      ArmFacts otherIs = facts.getOrDefault(against, UNKNOWN);
      arms.put(
          arm,
          new ArmReport(
              against,
              is.flopsPerStep(),
              VideoCost.of(
                  is.flopsPerVideo(),
                  otherIs.flopsPerVideo(),
                  own.videoSeconds(),
                  other.videoSeconds()),
              is.flopsPerTimedVideo().isEmpty()
                  ? Optional.empty()
                  : Optional.of(
                      VideoCost.of(
                          is.flopsPerTimedVideo().getAsDouble(),
                          otherIs.flopsPerTimedVideo().orElse(Double.NaN),
                          own.timedSeconds(),
                          other.timedSeconds())),
              own.bySeed(),
              against.equals(arm)
                  ? Map.of()
                  : speedUps(own.bySeed(), other.bySeed(), is.stages().equals(otherIs.stages())),
              plan.required(arm).paper()));
    }
    return new ExperimentReport(plan.title(), plan.seeds(), arms);
  }

  private static Map<String, SpeedUps> speedUps(
      List<List<PointResult>> own, List<List<PointResult>> others, boolean haveTheSameStages) {
    var speedUps = new LinkedHashMap<String, SpeedUps>();
    for (Measure measure : measures(own)) {
      if (haveTheSameStages || !measure.equals(Measure.LOSS)) {
        speedUps.put(
            measure.name(),
            new SpeedUps(
                speedUp(own, others, measure, PointResult::flops),
                speedUp(own, others, measure, PointResult::seconds)));
      }
    }
    return speedUps;
  }

  /** The figures that tell points apart: not those that all have alike, as when none shows all. */
  List<Measure> measures() {
    var all = new LinkedHashMap<String, Measure>();
    arms.values().forEach(arm -> measures(arm.bySeed()).forEach(m -> all.put(m.name(), m)));
    return all.values().stream().filter(measure -> varies(measure.name())).toList();
  }

  private boolean varies(String measure) {
    return arms.values().stream()
            .flatMap(arm -> arm.bySeed().stream().flatMap(List::stream))
            .flatMap(point -> Optional.ofNullable(point.measures().get(measure)).stream())
            .distinct()
            .limit(2)
            .count()
        > 1;
  }

  /** The figures of quality that there are: those of clips, distances, and the loss. */
  static List<Measure> measures(List<List<PointResult>> seeds) {
    List<String> names =
        seeds.stream()
            .flatMap(List::stream)
            .flatMap(point -> point.measures().keySet().stream())
            .distinct()
            .toList();
    return Stream.of(Measure.SCORE, Measure.ALL, Measure.DISTANCE, Measure.LOSS)
        .filter(measure -> names.contains(measure.name()))
        .toList();
  }

  /** Curves of the seeds that both have, as far as both have points. */
  private static Optional<SpeedUp> speedUp(
      List<List<PointResult>> own,
      List<List<PointResult>> others,
      Measure measure,
      ToDoubleFunction<PointResult> cost) {
    var curves = new ArrayList<QualityCurve>();
    var otherCurves = new ArrayList<QualityCurve>();
    for (int seed = 0; seed < Math.min(own.size(), others.size()); seed++) {
      Optional<QualityCurve> curve = curve(own.get(seed), measure, cost);
      Optional<QualityCurve> other = curve(others.get(seed), measure, cost);
      if (curve.isPresent() && other.isPresent()) {
        curves.add(curve.get());
        otherCurves.add(other.get());
      }
    }
    return SpeedUp.of(curves, otherCurves);
  }

  static Optional<QualityCurve> curve(
      List<PointResult> points, Measure measure, ToDoubleFunction<PointResult> cost) {
    List<PointResult> own =
        points.stream()
            .filter(p -> p.failure().isEmpty() && p.measures().containsKey(measure.name()))
            .filter(p -> Double.isFinite(p.measures().getOrDefault(measure.name(), Double.NaN)))
            .toList();
    if (own.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new QualityCurve(
            own.stream().map(cost::applyAsDouble).toList(),
            own.stream()
                .map(p -> measure.quality(p.measures().getOrDefault(measure.name(), 0.0)))
                .toList()));
  }
}
