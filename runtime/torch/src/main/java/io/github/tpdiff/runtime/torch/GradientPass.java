package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.engine.Tensor;
import java.util.Map;

/** Forward and backward for one batch. */
interface GradientPass {
  /**
   * What both give.
   *
   * @param prediction the program's output
   * @param ofWeights gradients of the mean squared error, one for each trained weight, by name
   */
  record Result(Tensor prediction, Map<String, NDArray> ofWeights) {}

  /**
   * What the output is compared with.
   *
   * @param target in its shape
   * @param weights of the examples' errors, in as many dimensions: [examples, 1, …]
   */
  record Wanted(NDArray target, NDArray weights) {}

  /**
   * Runs both.
   *
   * @param forward the loaded program
   * @param inputs of the program
   * @param wanted what its output is compared with
   * @param scope that the gradients belong to
   */
  Result run(ForwardPass forward, Map<String, NDArray> inputs, Wanted wanted, NDManager scope);
}
