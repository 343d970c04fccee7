package io.github.tpdiff.runtime.diffusion;

/**
 * Second order in (y, τ) with two predictions a step (Karras et al. 2022, algorithm 1); a step to
 * clean data is Euler's, because the network is not asked there.
 */
public record HeunSampler() implements Sampler {

  @Override
  public Latents sample(SamplerRun run, Latents start) {
    Latents x = start;
    for (int i = 0; i < run.steps().size(); i++) {
      SamplerStep step = run.steps().get(i);
      Latents slope = run.derivative(x, step);
      Latents next = run.advance(x, slope, step);
      if (run.form().sigma(step.next()) > 0) {
        Latents slopeThere = run.derivative(next, step.next());
        next = run.advance(x, slope.mix(0.5, 0.5, slopeThere), step);
      }
      x = next;
      run.listener().onStep(i, x);
    }
    return x;
  }
}
