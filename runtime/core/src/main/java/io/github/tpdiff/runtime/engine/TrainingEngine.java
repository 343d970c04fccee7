package io.github.tpdiff.runtime.engine;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.weights.TensorSource;
import java.util.OptionalLong;
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

  /**
   * The same with frozen weights, and values that the backward pass alone still reads, on the host,
   * and on the device only around the time when what reads them runs; nothing changes for an engine
   * without a choice.
   */
  default TrainingEngine offloading(boolean offload) {
    return this;
  }

  /**
   * Free bytes of the memory that the engine's device has for itself; empty where it computes in
   * the host's, or where they are not known.
   */
  default OptionalLong freeDeviceMemory() {
    return OptionalLong.empty();
  }

  /** In which numbers products are computed, as users choose it, such as {@code bf16}. */
  default String arithmetic() {
    return "fp32";
  }
}
