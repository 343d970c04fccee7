package io.github.tpdiff.runtime.diffusion;

import java.util.random.RandomGenerator;

/** A sequence of independent standard normal latents. */
@FunctionalInterface
public interface NoiseSource {

  /** The next latents, N(0, 1) in every value. */
  Latents draw(LatentShape shape);

  /** No noise: for deterministic samplers, which draw nothing. */
  static NoiseSource none() {
    return shape -> {
      throw new IllegalStateException("noise: a stochastic sampler was run without any");
    };
  }

  /** Noise from a generator of the caller's choice. */
  static NoiseSource of(RandomGenerator random) {
    return shape -> {
      float[] data = new float[shape.elements()];
      for (int i = 0; i < data.length; i++) {
        data[i] = (float) random.nextGaussian();
      }
      return Latents.of(shape, data);
    };
  }

  /** The noise that {@code torch.manual_seed(seed)} and {@code torch.randn} give on the CPU. */
  static NoiseSource seeded(long seed) {
    return new TorchRandom(seed);
  }
}
