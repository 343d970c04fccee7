package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Collections;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;

/**
 * How often training visits each stage.
 *
 * @param weights one a stage, in sampling order, not all zero
 */
public record StageWeights(List<Double> weights) {

  /**
   * @throws IllegalArgumentException if a weight is negative or all are zero
   */
  public StageWeights {
    weights = List.copyOf(weights);
    checkArgument(
        weights.stream().allMatch(weight -> weight >= 0 && Double.isFinite(weight))
            && weights.stream().anyMatch(weight -> weight > 0),
        "stages.weights: at least 0 and not all 0, found %s",
        weights);
  }

  /** All stages alike. */
  public static StageWeights uniform(int stages) {
    return new StageWeights(Collections.nCopies(stages, 1.0));
  }

  /**
   * The same with no weight on some stages.
   *
   * @param kept one a stage, in sampling order
   * @throws IllegalArgumentException if no weight is left
   */
  public StageWeights among(List<Boolean> kept) {
    return new StageWeights(
        IntStream.range(0, weights.size())
            .mapToObj(i -> kept.get(i) ? weights.get(i) : 0.0)
            .toList());
  }

  /**
   * A stage of the plan.
   *
   * @param random uniform in [0, 1); asked once
   * @throws IllegalArgumentException if the plan has another number of stages
   */
  public Stage draw(StagePlan plan, DoubleSupplier random) {
    checkArgument(
        weights.size() == plan.stages().size(),
        "stages.weights: expected %s values, found %s",
        plan.stages().size(),
        weights);
    double mass = random.getAsDouble() * weights.stream().mapToDouble(Double::doubleValue).sum();
    Stage drawn = plan.stages().get(0);
    for (int i = 0; i < weights.size(); i++) {
      if (weights.get(i) > 0) {
        drawn = plan.stages().get(i);
        mass -= weights.get(i);
        if (mass < 0) {
          break;
        }
      }
    }
    return drawn;
  }
}
