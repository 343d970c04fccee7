package io.github.tpdiff.runtime.diffusion;

/**
 * The way from the end of stage k+1 to the start of stage k (paper eq. 14, for any upsampling):
 * {@code x̂_s = a·U·x̂_e + n}, n ~ N(0, R).
 *
 * <p>{@code a = γ_s / γ_e} and {@code R = σ_s² I − a² σ_e² U Uᵀ}, so that signal and noise have
 * exactly the law that stage k is trained on. For nearest upsampling by two over time alone R is
 * made of blocks {@code σ_s²/2 · [[1, −1], [−1, 1]]}, the paper's noise.
 *
 * @param scale a
 * @param up U
 * @param noise n from white noise
 */
record Linkage(double scale, GridMatrix up, LinkageNoise noise) {

  /** The noisiest time from which {@code start} can be reached: {@code σ_e/γ_e = σ_s/(√λ·γ_s)}. */
  static double endTime(DiffusionForm form, GridMatrix up, double start) {
    double lambda = LinkageNoise.largestEigenvalue(up);
    double ratio = form.sigma(start) / (Math.sqrt(lambda) * form.gamma(start));
    return form.floorTime(form.timeAt(ratio));
  }

  /** The linkage from the end {@code end} of the coarser stage to {@code start}. */
  static Linkage between(DiffusionForm form, GridMatrix up, double end, double start) {
    double scale = form.gamma(start) / form.gamma(end);
    double kept = scale * form.sigma(end);
    double variance = form.sigma(start) * form.sigma(start);
    return new Linkage(scale, up, new LinkageNoise(variance, kept * kept, up));
  }

  /** The start of stage k from the end of stage k+1 and white noise on stage k's grid. */
  Latents apply(Latents end, Latents white) {
    return up.apply(end).mix(scale, 1, noise.apply(white));
  }
}
