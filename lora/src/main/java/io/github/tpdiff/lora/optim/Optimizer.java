package io.github.tpdiff.lora.optim;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.weights.TensorSource;
import java.util.Map;

/** Moves trained tensors along their gradients, and remembers what it needs between steps. */
public interface Optimizer {
  /**
   * One step on all tensors, in place.
   *
   * @param parameters by weight name, the same at every step
   * @param gradients for each of them, of the same length
   * @param learningRate of this step
   */
  void step(Map<String, Parameter> parameters, Map<String, float[]> gradients, double learningRate);

  /**
   * All that it remembers beside the number of steps, under names and in types of its own, to be
   * kept with the parameters; changes with the next step.
   */
  TensorSource state();

  /** Which optimizer, with its numbers. */
  interface Settings {
    /**
     * An optimizer that goes on.
     *
     * @param parameters that it will move, by weight name
     * @param steps done
     * @param state as {@link Optimizer#state} gave it after them, copied; without tensors at the
     *     start
     * @throws io.github.tpdiff.weights.CheckpointException if the state is of other parameters
     */
    Optimizer resumed(Map<String, Parameter> parameters, int steps, TensorSource state);

    /** An optimizer that has done no step. */
    default Optimizer fresh(Map<String, Parameter> parameters) {
      return resumed(parameters, 0, Parameter.source(Map.of()));
    }
  }
}
