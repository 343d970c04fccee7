package io.github.tpdiff.runtime.diffusion;

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

  /** All errors alike. */
  record Uniform() implements LossWeighting {
    @Override
    public double weight(Stage stage, double time) {
      return 1;
    }
  }
}
