package io.github.tpdiff.runtime.engine;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/** A program whose gradients can be taken with respect to some of its weights. */
public interface Trainable extends AutoCloseable {
  /**
   * Loss and its gradients.
   *
   * @param loss mean over all elements of weight · {@link Loss}
   * @param prediction the program's output
   * @param gradients by weight name, one for each trained weight, in the weight's shape
   */
  record Gradients(double loss, Tensor prediction, Map<String, Tensor> gradients) {}

  /** Replaces the values of trained weights. */
  void update(Map<String, Tensor> weights);

  /**
   * Runs forward and backward for one batch.
   *
   * @param inputs a tensor for each of the program's; others are not looked at
   * @param target in the shape of the output, examples first
   * @param weights how much each example's error counts, [examples]
   */
  Gradients gradients(Map<String, Tensor> inputs, Tensor target, Tensor weights);

  /** The same with every example counting alike. */
  default Gradients gradients(Map<String, Tensor> inputs, Tensor target) {
    return gradients(inputs, target, alike(target));
  }

  /** A weight of 1 for each example of a target. */
  static Tensor alike(Tensor target) {
    float[] ones = new float[Math.toIntExact(target.shape()[0])];
    Arrays.fill(ones, 1);
    return Tensor.ofFloats(ones, ones.length);
  }

  /** The program's output with the present values of the trained weights. */
  Tensor predict(Map<String, Tensor> inputs);

  /** Mean squared error without gradients, for validation. */
  double loss(Map<String, Tensor> inputs, Tensor target);

  /**
   * An optimizer of the trained weights on the device that computes, starting from their present
   * values; empty where the engine has none, and they are {@linkplain #update replaced} at every
   * step.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if the state is of other weights
   */
  default Optional<DeviceOptimizer> optimizer(DeviceOptimizer.Request request) {
    return Optional.empty();
  }

  @Override
  void close();
}
