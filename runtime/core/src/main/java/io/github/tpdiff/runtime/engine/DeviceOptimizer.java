package io.github.tpdiff.runtime.engine;

import io.github.tpdiff.runtime.optim.OptimizerKind;
import io.github.tpdiff.runtime.optim.RunningMean;
import io.github.tpdiff.weights.TensorSource;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * Moves the trained weights of a {@link Trainable} where they are: no gradient, weight or state
 * crosses to the host in a step.
 *
 * <p>A step is batches that are {@linkplain #add added}, then {@link #step}, which forgets their
 * gradients. To be closed before the trainable.
 */
public interface DeviceOptimizer extends AutoCloseable {
  /**
   * Which optimizer, and from where it goes on.
   *
   * @param kind with its numbers
   * @param mean of the values that is kept beside them, if one is
   * @param steps done
   * @param state as {@link #state} gave it after them, copied; without tensors at the start
   */
  record Request(OptimizerKind kind, Optional<RunningMean> mean, int steps, TensorSource state) {}

  /**
   * Runs forward and backward for one batch and adds its gradients to those of the step.
   *
   * @param batch of the program's inputs and what is wanted of its output
   * @param share of this batch's gradients in the step's
   * @return the loss, as of {@link Trainable.Gradients}
   */
  double add(Batch batch, double share);

  /**
   * What {@link Trainable#gradients} takes.
   *
   * @param inputs a tensor for each of the program's
   * @param target in the shape of the output, examples first
   * @param weights how much each example's error counts, [examples]
   */
  record Batch(Map<String, Tensor> inputs, Tensor target, Tensor weights) {}

  /** The 2-norm of the step's gradients together. */
  double gradientNorm();

  /** A weight whose gradient in this step is not finite, if there is one. */
  Optional<String> findNonFinite();

  /**
   * Moves the weights.
   *
   * @param factor on the gradients first
   * @param rates of learning, by weight name; one for all where the kind takes no others
   */
  void step(double factor, ToDoubleFunction<String> rates);

  /**
   * Puts the running mean in the weights' place, and them in its; a second time puts both back.
   * Nothing without a mean.
   */
  void exchangeMean();

  /** Present values by weight name, copied. */
  Map<String, Tensor> values();

  /**
   * All that is remembered beside values and steps, as {@link OptimizerKind#remembered} and {@link
   * RunningMean#remembered} name it; read while the optimizer is open and before its next step.
   */
  TensorSource state();

  @Override
  void close();
}
