package io.github.tpdiff.runtime.diffusion;

/**
 * DPM-Solver++(2M), midpoint (Lu et al. 2022, algorithm 2): order 2 from the second step on, order
 * 1 where the step ends in clean data.
 */
public record DpmSolverSampler() implements Sampler {

  @Override
  public Latents sample(SamplerRun run, Latents start) {
    var solver = new DataPredictor(run.form());
    Latents x = start;
    Latents mBefore = start;
    for (int i = 0; i < run.steps().size(); i++) {
      SamplerStep step = run.steps().get(i);
      Latents m = run.clean(x, run.derivative(x, step), step.time());
      var span = solver.span(step);
      x = DataPredictor.first(span, x, m);
      if (i > 0 && Double.isFinite(span.h())) {
        Latents slope = solver.slope(run.steps().get(i - 1), mBefore, step, m);
        x = DataPredictor.second(span, x, slope);
      }
      mBefore = m;
      run.listener().onStep(i, x);
    }
    return x;
  }
}
