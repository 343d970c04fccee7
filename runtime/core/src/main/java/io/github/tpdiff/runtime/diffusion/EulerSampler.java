package io.github.tpdiff.runtime.diffusion;

/**
 * First order in (y, τ): Euler's method for flow matching, DDIM (Song et al. 2021, η = 0) for ε.
 */
public record EulerSampler() implements Sampler {

  @Override
  public Latents sample(SamplerRun run, Latents start) {
    Latents x = start;
    for (int i = 0; i < run.steps().size(); i++) {
      SamplerStep step = run.steps().get(i);
      x = run.advance(x, run.derivative(x, step), step);
      run.listener().onStep(i, x);
    }
    return x;
  }
}
