package io.github.tpdiff.runtime.engine;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.weights.TensorSource;
import java.util.Set;

/** What an engine offers to the trainer. */
@FunctionalInterface
public interface TrainingEngine {
  /**
   * Makes {@code program} ready for training.
   *
   * @param program with one output
   * @param weights every tensor of {@link Program#weights()}, the trained ones with their first
   *     values; must stay open while the result is
   * @param trained names of the weights whose gradients are wanted
   * @param activations what is held between forward and backward
   */
  Trainable train(
      Program program, TensorSource weights, Set<String> trained, Activations activations);

  /**
   * The same for another loss than the squared error.
   *
   * @throws IllegalArgumentException if the engine has no other
   */
  default TrainingEngine minimizing(Loss loss) {
    checkArgument(loss.equals(Loss.squared()), "training: this engine has no %s", loss);
    return this;
  }

  /** In which numbers products are computed, as users choose it, such as {@code bf16}. */
  default String arithmetic() {
    return "fp32";
  }
}
