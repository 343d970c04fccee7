package io.github.tpdiff.runtime.diffusion;

/** A solver of dy/dτ, as a network predicts it, over the steps of one run. */
@FunctionalInterface
public interface Sampler {

  /** The latents at the end of the run's last step, from {@code start} at its first. */
  Latents sample(SamplerRun run, Latents start);

  /** Whether it exchanges noise in the latents for new noise as it goes. */
  default boolean renewsNoise() {
    return false;
  }
}
