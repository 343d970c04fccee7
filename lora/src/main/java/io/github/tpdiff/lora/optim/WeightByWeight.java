package io.github.tpdiff.lora.optim;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** An optimizer that moves each weight for itself, several at a time. */
final class WeightByWeight implements Optimizer {
  private final WeightStep each;
  private final Remembered remembered;
  private int steps;

  WeightByWeight(WeightStep each, Remembered remembered, int steps) {
    this.each = each;
    this.remembered = remembered;
    this.steps = steps;
  }

  @Override
  public void step(
      Map<String, Parameter> parameters,
      Map<String, float[]> gradients,
      ToDoubleFunction<String> rates) {
    List<WeightStep.Weight> weights = Remembered.weights(parameters, gradients);
    steps++;
    weights.parallelStream()
        .forEach(
            weight -> each.move(weight, remembered, steps, rates.applyAsDouble(weight.name())));
  }

  @Override
  public TensorSource state() {
    return remembered.source();
  }
}
