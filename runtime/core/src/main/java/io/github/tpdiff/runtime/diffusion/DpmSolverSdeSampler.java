package io.github.tpdiff.runtime.diffusion;

/**
 * SDE-DPM-Solver++(2M), midpoint (Lu et al. 2022; diffusers {@code
 * DPMSolverMultistepScheduler.multistep_dpm_solver_second_order_update}, {@code sde-dpmsolver++}):
 * of the noise in x only the share e^{−h} = ρ'/ρ is kept in a step, and as much is added anew.
 * Order 2 and 1 as in {@link DpmSolverSampler}.
 *
 * <p>{@code x' = (σ'/σ) e^{−h} x + γ' (1 − e^{−2h}) (m + ½ D) + σ' √(1 − e^{−2h}) z}, D being the
 * slope of the clean prediction m. Here it is written as a step of {@link EulerSampler} whose noise
 * is exchanged, so that it holds inside every stage, where the data moves as well: what follows the
 * slope is there {@code ½ ((1 + γ'/scale') m + τ' B x_0)}, m where the line meets τ = 0, which is
 * {@code γ'/scale' · x_0} in one stage (see {@link StageLine}).
 */
public record DpmSolverSdeSampler() implements Sampler {

  @Override
  public boolean renewsNoise() {
    return true;
  }

  @Override
  public Latents sample(SamplerRun run, Latents start) {
    DiffusionForm form = run.form();
    var solver = new DataPredictor(form);
    Latents x = start;
    Latents mBefore = start;
    Latents driftBefore = start;
    for (int i = 0; i < run.steps().size(); i++) {
      SamplerStep step = run.steps().get(i);
      Latents derivative = run.derivative(x, step);
      Latents m = run.clean(x, derivative, step.time());
      Latents drift = run.line().drift(m);
      double kept = run.keptNoise(step);
      double renewed = 1 - kept * kept;
      double sigma = form.sigma(step.next());
      Latents next =
          run.advance(x, derivative, step).plus(sigma * (kept - 1), derivative.plus(-1, drift));
      if (i > 0 && sigma > 0) {
        SamplerStep before = run.steps().get(i - 1);
        double half = 0.25 * form.scale(step.next()) * renewed;
        double signal = form.gamma(step.next()) / form.scale(step.next());
        next =
            next.plus(half * (1 + signal), solver.slope(before, mBefore, step, m))
                .plus(half * form.tau(step.next()), solver.slope(before, driftBefore, step, drift));
      }
      x = run.renewed(next, sigma * Math.sqrt(renewed));
      mBefore = m;
      driftBefore = drift;
      run.listener().onStep(i, x);
    }
    return x;
  }
}
