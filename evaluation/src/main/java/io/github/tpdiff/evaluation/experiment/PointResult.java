package io.github.tpdiff.evaluation.experiment;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What an arm has come to with one seed at one point.
 *
 * @param share of the budget
 * @param step steps done
 * @param flops of all steps, on the mean of the stages that are drawn
 * @param seconds of all steps, as timed; validation and videos not counted
 * @param videoSeconds of denoising one video, mean
 * @param measures by {@link Measure}'s names
 * @param failure why there is no more, if training broke off
 */
public record PointResult(
    double share,
    int step,
    double flops,
    double seconds,
    double videoSeconds,
    Map<String, Double> measures,
    Optional<String> failure) {
  public PointResult {
    measures = Collections.unmodifiableMap(new LinkedHashMap<>(measures));
  }

  /** The same of a budget of which it is another share. */
  PointResult at(double other) {
    return new PointResult(other, step, flops, seconds, videoSeconds, measures, failure);
  }

  static PointResult failed(double share, int step, String why) {
    return new PointResult(share, step, 0, 0, 0, Map.of(), Optional.of(why));
  }
}
