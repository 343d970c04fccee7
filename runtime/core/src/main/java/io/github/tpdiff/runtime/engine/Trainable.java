package io.github.tpdiff.runtime.engine;

import java.util.Map;

/** A program whose gradients can be taken with respect to some of its weights. */
public interface Trainable extends AutoCloseable {
  /**
   * Loss and its gradients.
   *
   * @param loss mean over all elements of (prediction − target)²
   * @param prediction the program's output
   * @param gradients by weight name, one for each trained weight, in the weight's shape
   */
  record Gradients(double loss, Tensor prediction, Map<String, Tensor> gradients) {}

  /** Replaces the values of trained weights. */
  void update(Map<String, Tensor> weights);

  /** Runs forward and backward for one batch. */
  Gradients gradients(Map<String, Tensor> inputs, Tensor target);

  /** The program's output with the present values of the trained weights. */
  Tensor predict(Map<String, Tensor> inputs);

  /** Mean squared error without gradients, for validation. */
  double loss(Map<String, Tensor> inputs, Tensor target);

  @Override
  void close();
}
