package io.github.tpdiff.lora.optim;

import io.github.tpdiff.runtime.optim.AdamW;

/**
 * {@link AdamW} in fp32 and in the order of {@code torch.optim.AdamW}, so that a step equals
 * torch's to the last bits.
 */
record AdamWStep(AdamW kind) implements WeightStep {
  @Override
  public void move(Weight weight, Remembered remembered, int number, double rate) {
    AdamW.Step x = kind.step(number, rate);
    float[] p = weight.value().values();
    float[] g = weight.gradient();
    float[] m = remembered.floats(AdamW.MEAN + weight.name());
    float[] v = remembered.floats(AdamW.SQUARE + weight.name());
    boolean fromGradient = x.toGradient() >= 0.5f;
    for (int i = 0; i < p.length; i++) {
      // torch.lerp turns round at one half.
      m[i] =
          fromGradient
              ? g[i] - (g[i] - m[i]) * (1 - x.toGradient())
              : m[i] + x.toGradient() * (g[i] - m[i]);
      v[i] = v[i] * x.beta2() + x.toSquare() * g[i] * g[i];
      p[i] = moved(x, p[i], m[i], v[i]);
    }
  }

  /** A weight after its means. */
  static float moved(AdamW.Step x, float p, float mean, float square) {
    float divisor = (float) Math.sqrt(square) / x.rootCorrection() + x.eps();
    return p * x.decay() + x.size() * (mean / divisor);
  }
}
