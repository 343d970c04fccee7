package io.github.tpdiff.runtime.diffusion;

import java.util.List;

/**
 * What a sampler did: the grid and every sample.
 *
 * @param timesteps what the network was told, one a step
 * @param sigmas the clock τ at every grid point and at the end: σ for flow matching, σ/γ for ε
 * @param samples the input, then the latents after every step
 */
public record Trajectory(List<Double> timesteps, List<Double> sigmas, List<Latents> samples) {

  /** Copies the lists. */
  public Trajectory {
    timesteps = List.copyOf(timesteps);
    sigmas = List.copyOf(sigmas);
    samples = List.copyOf(samples);
  }
}
