package io.github.tpdiff.lora.train;

import java.util.Map;
import java.util.OptionalDouble;

/**
 * A row of a training's log: what is known of a step after it. Row 0 is the validation before the
 * first step, with nothing else.
 *
 * @param step steps done
 * @param epoch passes over the data, so far
 * @param loss mean over the step's batches
 * @param stageLosses mean by the stages that the step visited
 * @param smoothedLosses running means by stage; of the stages visited so far
 * @param learningRate of the step
 * @param gradientNorm before clipping
 * @param validation mean loss by stage; empty where there was none
 */
public record LogRow(
    int step,
    double epoch,
    OptionalDouble loss,
    Map<Integer, Double> stageLosses,
    Map<Integer, Double> smoothedLosses,
    OptionalDouble learningRate,
    OptionalDouble gradientNorm,
    Map<Integer, Double> validation) {

  /** The row of the validation before the first step. */
  static LogRow started(Map<Integer, Double> validation) {
    return new LogRow(
        0,
        0,
        OptionalDouble.empty(),
        Map.of(),
        Map.of(),
        OptionalDouble.empty(),
        OptionalDouble.empty(),
        validation);
  }

  /** The row of a step, and of the validation after it if there was one. */
  static LogRow stepped(TrainingProgress progress, Map<Integer, Double> validation) {
    return new LogRow(
        progress.step(),
        progress.epoch(),
        OptionalDouble.of(progress.loss()),
        progress.stageLosses(),
        progress.smoothedLosses(),
        OptionalDouble.of(progress.learningRate()),
        OptionalDouble.of(progress.gradientNorm()),
        validation);
  }
}
