package io.github.tpdiff.lora.optim;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.runtime.optim.Adafactor;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.optim.AdamW8bit;
import io.github.tpdiff.runtime.optim.Lion;
import io.github.tpdiff.runtime.optim.OptimizerKind;
import io.github.tpdiff.runtime.optim.Prodigy;
import io.github.tpdiff.weights.TensorSource;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * Moves trained tensors along their gradients on the host, and remembers what it needs between
 * steps: what an engine's optimizer is compared with, and what moves them where gradients come from
 * elsewhere.
 */
public interface Optimizer {
  /**
   * One step on all tensors, in place.
   *
   * @param parameters by weight name, the same at every step
   * @param gradients for each of them, of the same length
   * @param rates of learning in this step, by weight name; one for all where the kind takes no
   *     others
   */
  void step(
      Map<String, Parameter> parameters,
      Map<String, float[]> gradients,
      ToDoubleFunction<String> rates);

  /**
   * All that it remembers beside the number of steps, as {@link OptimizerKind#remembered} names it,
   * to be kept with the parameters; changes with the next step.
   */
  TensorSource state();

  /**
   * An optimizer that goes on.
   *
   * @param parameters that it will move, by weight name, as they were after the steps
   * @param steps done
   * @param state as {@link #state} gave it after them, copied; without tensors at the start
   * @throws io.github.tpdiff.weights.CheckpointException if the state is of other parameters
   */
  static Optimizer resumed(
      OptimizerKind kind, Map<String, Parameter> parameters, int steps, TensorSource state) {
    var remembered = Remembered.of(kind, parameters, state);
    if (kind instanceof Prodigy prodigy) {
      return new ProdigySteps(prodigy, remembered, state);
    }
    WeightStep each;
    if (kind instanceof AdamW8bit coded) {
      each = new AdamW8bitStep(coded);
    } else if (kind instanceof Adafactor adafactor) {
      each = new AdafactorStep(adafactor);
    } else if (kind instanceof Lion lion) {
      each = new LionStep(lion);
    } else {
      each = new AdamWStep((AdamW) kind);
    }
    return new WeightByWeight(each, remembered, steps);
  }

  /** An optimizer that has done no step. */
  static Optimizer fresh(OptimizerKind kind, Map<String, Parameter> parameters) {
    return resumed(kind, parameters, 0, Parameter.source(Map.of()));
  }
}
