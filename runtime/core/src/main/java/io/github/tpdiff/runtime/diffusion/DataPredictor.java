package io.github.tpdiff.runtime.diffusion;

/**
 * The exponential integrator that DPM-Solver++(2M) and UniPC-2 share: x_0 predictions m over λ =
 * log(γ/σ).
 *
 * <p>With {@code h = λ_t − λ_s} and {@code φ = e^{−h} − 1}, order 1 is {@code (σ_t/σ_s)·x −
 * γ_t·φ·m}, which is the Euler step in (y, τ) of either form; order 2 adds the slope of m over λ.
 */
final class DataPredictor {
  private final DiffusionForm form;

  DataPredictor(DiffusionForm form) {
    this.form = form;
  }

  /**
   * The coefficients of a step from s to t.
   *
   * @param ratio σ_t / σ_s
   * @param h λ_t − λ_s, infinite where the step ends in clean data
   * @param weight γ_t·φ
   */
  record Span(double ratio, double h, double weight) {}

  /** λ = log(γ/σ), kept finite at pure noise as diffusers does. */
  double lambda(double t) {
    return Math.log(Math.max(form.gamma(t), 1e-6) / form.sigma(t));
  }

  /** The step's coefficients; γ_t·φ without a logarithm, so that pure noise and clean data work. */
  Span span(SamplerStep step) {
    double s = step.time();
    double t = step.next();
    double ratio = form.sigma(t) / form.sigma(s);
    double h = form.sigma(t) == 0 ? Double.POSITIVE_INFINITY : lambda(t) - lambda(s);
    return new Span(ratio, h, ratio * form.gamma(s) - form.gamma(t));
  }

  /** Order 1: {@code (σ_t/σ_s)·x − γ_t·φ·m}. */
  static Latents first(Span span, Latents x, Latents m) {
    return x.mix(span.ratio, -span.weight, m);
  }

  /**
   * What order 2 adds: {@code −½·γ_t·φ·(m' − m)/r}, with r = (λ' − λ)/h of the point before, m'.
   */
  static Latents second(Span span, Latents first, Latents slope) {
    return first.plus(-0.5 * span.weight, slope);
  }

  /** r = (λ' − λ)/h: how far back the beginning of the step before lies, in steps; negative. */
  double r(SamplerStep before, SamplerStep step) {
    return (lambda(before.time()) - lambda(step.time())) / span(step).h;
  }

  /** The slope {@code (m' − m)/r} between this step's beginning and that of the one before. */
  Latents slope(SamplerStep before, Latents mBefore, SamplerStep step, Latents m) {
    double r = r(before, step);
    return mBefore.mix(1 / r, -1 / r, m);
  }
}
