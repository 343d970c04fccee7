package io.github.tpdiff.lora.optim;

import io.github.tpdiff.runtime.optim.Lion;

/** {@link Lion} in fp32. */
record LionStep(Lion kind) implements WeightStep {
  @Override
  public void move(Weight weight, Remembered remembered, int number, double rate) {
    Lion.Step x = kind.step(rate);
    float[] p = weight.value().values();
    float[] g = weight.gradient();
    float[] m = remembered.floats(Lion.MEAN + weight.name());
    for (int i = 0; i < p.length; i++) {
      float followed = m[i] * x.beta1() + g[i] * x.toSign();
      p[i] = p[i] * x.decay() + Math.signum(followed) * x.size();
      m[i] = m[i] * x.beta2() + g[i] * x.toMean();
    }
  }
}
