package io.github.tpdiff.runtime.diffusion;

/**
 * UniPC of order 2, variant bh2, on x_0 predictions (Zhao et al. 2023, algorithms 5 and 6): the
 * sampler that Wan is published with.
 *
 * <p>One prediction a step. The predictor is DPM-Solver++(2M)'s; at the next step its fresh
 * prediction first corrects the latents that it was made from, and is not made again. Order 1 for
 * the first step and where a step ends in clean data.
 */
public record UniPcSampler() implements Sampler {

  @Override
  public Latents sample(SamplerRun run, Latents start) {
    var solver = new DataPredictor(run.form());
    Latents x = start;
    Latents corrected = start; // the latents that the step before started from
    Latents mBefore = start;
    Latents slopeBefore = start;
    for (int i = 0; i < run.steps().size(); i++) {
      SamplerStep step = run.steps().get(i);
      Latents m = run.clean(x, run.derivative(x, step), step.time());
      if (i > 0) {
        SamplerStep last = run.steps().get(i - 1);
        var span = solver.span(last);
        Latents change = mBefore.mix(-1, 1, m);
        Latents first = DataPredictor.first(span, corrected, mBefore);
        if (i == 1) {
          x = first.plus(-0.5 * span.weight(), change);
        } else {
          double[] rho = rho(span.h(), solver.r(run.steps().get(i - 2), last));
          x =
              first
                  .plus(-span.weight() * rho[0], slopeBefore)
                  .plus(-span.weight() * rho[1], change);
        }
      }
      corrected = x;
      var span = solver.span(step);
      x = DataPredictor.first(span, x, m);
      if (i > 0 && Double.isFinite(span.h())) {
        slopeBefore = solver.slope(run.steps().get(i - 1), mBefore, step, m);
        x = DataPredictor.second(span, x, slopeBefore);
      }
      mBefore = m;
      run.listener().onStep(i, x);
    }
    return x;
  }

  /** The corrector's weights: the solution of {@code [[1, 1], [r, 1]]·ρ = b} with bh2's b. */
  private static double[] rho(double h, double r) {
    double phi = Math.expm1(-h);
    double first = phi / -h - 1;
    double b1 = first / phi;
    double b2 = 2 * (first / -h - 0.5) / phi;
    double rho1 = (b2 - b1) / (r - 1);
    return new double[] {rho1, b1 - rho1};
  }
}
