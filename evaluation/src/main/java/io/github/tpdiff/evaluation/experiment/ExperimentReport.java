package io.github.tpdiff.evaluation.experiment;

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
   * @param videoSeconds of denoising one video, mean over seeds at their last points; empty without
   *     a point
   * @param videoSpeedUp of the arm that it is held against's to this; empty likewise
   * @param bySeed its points
   * @param speedUps by measure: in FLOPs and in seconds
   * @param paper what the paper has
   */
  record ArmReport(
      String against,
      double flopsPerStep,
      OptionalDouble videoSeconds,
      OptionalDouble videoSpeedUp,
      List<List<PointResult>> bySeed,
      Map<String, SpeedUps> speedUps,
      Map<String, Double> paper) {
    ArmReport {
      bySeed = List.copyOf(bySeed);
      speedUps = Collections.unmodifiableMap(new LinkedHashMap<>(speedUps));
    }
  }

  /** To the same quality. */
  record SpeedUps(Optional<SpeedUp> flops, Optional<SpeedUp> seconds) {}

  ExperimentReport {
    arms = Collections.unmodifiableMap(new LinkedHashMap<>(arms));
  }

  static ExperimentReport of(
      Plan plan, Map<String, ArmFacts> facts, Map<String, List<List<PointResult>>> results) {
    var arms = new LinkedHashMap<String, ArmReport>();
    for (String arm : plan.arms().keySet()) {
      String against = plan.againstOf(arm);
      List<List<PointResult>> own = results.getOrDefault(arm, List.of());
      List<List<PointResult>> others = results.getOrDefault(against, List.of());
      OptionalDouble video = videoSeconds(own);
      OptionalDouble otherVideo = videoSeconds(others);
      var speedUps = new LinkedHashMap<String, SpeedUps>();
      if (!against.equals(arm)) {
        boolean sameStages =
            stages(facts, arm).equals(stages(facts, against)) && facts.containsKey(arm);
        for (Measure measure : measures(own)) {
          if (measure.equals(Measure.LOSS) && !sameStages) {
            continue;
          }
          speedUps.put(
              measure.name(),
              new SpeedUps(
                  speedUp(own, others, measure, PointResult::flops),
                  speedUp(own, others, measure, PointResult::seconds)));
        }
      }
      arms.put(
          arm,
          new ArmReport(
              against,
              Optional.ofNullable(facts.get(arm)).map(ArmFacts::flopsPerStep).orElse(0.0),
              video,
              video.isPresent() && otherVideo.isPresent()
                  ? OptionalDouble.of(otherVideo.getAsDouble() / video.getAsDouble())
                  : OptionalDouble.empty(),
              own,
              speedUps,
              plan.required(arm).paper()));
    }
    return new ExperimentReport(plan.title(), plan.seeds(), arms);
  }

  private static String stages(Map<String, ArmFacts> facts, String arm) {
    return Optional.ofNullable(facts.get(arm)).map(ArmFacts::stages).orElse("");
  }

  private static OptionalDouble videoSeconds(List<List<PointResult>> seeds) {
    return seeds.stream()
        .filter(points -> !points.isEmpty())
        .map(points -> points.get(points.size() - 1))
        .filter(point -> point.failure().isEmpty())
        .mapToDouble(PointResult::videoSeconds)
        .average();
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
