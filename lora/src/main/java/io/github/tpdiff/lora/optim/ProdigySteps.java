package io.github.tpdiff.lora.optim;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.runtime.optim.Prodigy;
import io.github.tpdiff.runtime.optim.ProdigyEstimate;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** {@link Prodigy} in fp32, with sums and the estimate in fp64. */
final class ProdigySteps implements Optimizer {
  private final Prodigy kind;
  private final Remembered remembered;
  private ProdigyEstimate estimate;

  ProdigySteps(Prodigy kind, Remembered remembered, TensorSource state) {
    this.kind = kind;
    this.remembered = remembered;
    this.estimate =
        state.names().isEmpty() ? ProdigyEstimate.first(kind) : ProdigyEstimate.read(state);
  }

  private record Sums(double product, double size) {
    Sums plus(Sums other) {
      return new Sums(product + other.product, size + other.size);
    }
  }

  @Override
  public void step(
      Map<String, Parameter> parameters,
      Map<String, float[]> gradients,
      ToDoubleFunction<String> rates) {
    List<WeightStep.Weight> weights = Remembered.weights(parameters, gradients);
    if (weights.isEmpty()) {
      return;
    }
    double rate = rates.applyAsDouble(weights.get(0).name());
    ProdigyEstimate.Gather x = estimate.gather(kind, rate);
    Sums sums = new Sums(0, 0);
    for (WeightStep.Weight weight : weights) {
      sums = sums.plus(gather(weight, x));
    }
    estimate
        .found(kind, rate, sums.product(), sums.size())
        .ifPresent(
            found -> {
              estimate = found.estimate();
              weights.forEach(weight -> move(weight, found.move()));
            });
  }

  private Sums gather(WeightStep.Weight weight, ProdigyEstimate.Gather x) {
    float[] p = weight.value().values();
    float[] g = weight.gradient();
    float[] m = remembered.floats(Prodigy.MEAN + weight.name());
    float[] v = remembered.floats(Prodigy.SQUARE + weight.name());
    float[] s = remembered.floats(Prodigy.SUM + weight.name());
    float[] start = remembered.floats(Prodigy.START + weight.name());
    double product = 0;
    double size = 0;
    for (int i = 0; i < p.length; i++) {
      product += g[i] * (start[i] - p[i]);
      m[i] = m[i] * x.beta1() + g[i] * x.toMean();
      v[i] = v[i] * x.beta2() + g[i] * x.toSquare() * g[i];
      s[i] = s[i] * x.beta3() + g[i] * x.toSum();
      size += Math.abs(s[i]);
    }
    return new Sums(product, size);
  }

  private void move(WeightStep.Weight weight, ProdigyEstimate.Move x) {
    float[] p = weight.value().values();
    float[] m = remembered.floats(Prodigy.MEAN + weight.name());
    float[] v = remembered.floats(Prodigy.SQUARE + weight.name());
    for (int i = 0; i < p.length; i++) {
      float divisor = (float) Math.sqrt(v[i]) + x.eps();
      p[i] += p[i] * x.decay();
      p[i] += m[i] / divisor * x.size();
    }
  }

  @Override
  public TensorSource state() {
    return remembered
        .source()
        .overlaid(MemoryTensors.builder().add(ProdigyEstimate.INFO, estimate.payload()).build());
  }
}
