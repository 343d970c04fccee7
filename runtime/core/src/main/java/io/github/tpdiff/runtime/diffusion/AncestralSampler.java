package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * First order with new noise in every step: DDIM with η (Song et al. 2021, eq. 12 and 16; diffusers
 * {@code DDIMScheduler.step}), whose η = 1 is DDPM's ancestral sampling and k-diffusion's Euler
 * ancestral.
 *
 * <p>After a step of {@link EulerSampler} to x', a part of its noise is exchanged for z ~ N(0, I):
 * {@code x' + (√(σ'² − s²) − σ') ε + s z} with {@code s = η σ' √(1 − (ρ'/ρ)²)}, ρ = σ/γ. So written
 * it holds for every form and inside every stage, where ε is a part of dy/dτ only (see {@link
 * StageLine}). At η = 1 this is the first order of SDE-DPM-Solver++ (Lu et al. 2022), which
 * diffusers also runs on flow matching ({@code
 * DPMSolverMultistepScheduler.dpm_solver_first_order_update}).
 *
 * @param eta η, from 0 (deterministic) to 1
 */
public record AncestralSampler(double eta) implements Sampler {

  /**
   * @throws IllegalArgumentException if η is out of range
   */
  public AncestralSampler {
    checkArgument(eta >= 0 && eta <= 1, "eta: from 0 to 1, found %s", eta);
  }

  @Override
  public boolean renewsNoise() {
    return eta > 0;
  }

  @Override
  public Latents sample(SamplerRun run, Latents start) {
    Latents x = start;
    for (int i = 0; i < run.steps().size(); i++) {
      SamplerStep step = run.steps().get(i);
      Latents derivative = run.derivative(x, step);
      Latents noise = run.noiseIn(x, derivative, step.time());
      double sigma = run.form().sigma(step.next());
      double kept = run.keptNoise(step);
      double fresh = eta * sigma * Math.sqrt(1 - kept * kept);
      double change = Math.sqrt(sigma * sigma - fresh * fresh) - sigma;
      x = run.renewed(run.advance(x, derivative, step).plus(change, noise), fresh);
      run.listener().onStep(i, x);
    }
    return x;
  }
}
