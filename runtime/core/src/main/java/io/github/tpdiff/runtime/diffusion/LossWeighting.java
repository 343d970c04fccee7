package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.List;

/** How much an example's error counts in training, by where on the way from noise it is. */
@FunctionalInterface
public interface LossWeighting {
  /**
   * A factor on the mean squared error of an example; on average about 1, or the learning rate
   * means something else.
   *
   * @param stage of the example
   * @param time of the example, from the stage's end to its start
   */
  double weight(Stage stage, double time);

  /** All errors alike. */
  static LossWeighting uniform() {
    return new Uniform();
  }

  /**
   * Each stage's errors alike.
   *
   * @param factors one a stage, the coarsest first, at least 0 and not all 0; divided by their mean
   */
  static LossWeighting ofStages(List<Double> factors) {
    return new OfStages(factors);
  }

  /** See {@link #ofStages}. */
  record OfStages(List<Double> factors) implements LossWeighting {
    /**
     * @throws IllegalArgumentException if a factor is out of range
     */
    public OfStages {
      factors = List.copyOf(factors);
      double sum = 0;
      for (double factor : factors) {
        checkArgument(
            factor >= 0 && Double.isFinite(factor),
            "stages.loss_weights: at least 0, found %s",
            factor);
        sum += factor;
      }
      checkArgument(sum > 0, "stages.loss_weights: expected one above 0, found %s", factors);
    }

    @Override
    public double weight(Stage stage, double time) {
      double mean = factors.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
      return factors.get(factors.size() - stage.number()) / mean;
    }
  }

  /** All errors alike. */
  record Uniform() implements LossWeighting {
    @Override
    public double weight(Stage stage, double time) {
      return 1;
    }
  }
}
