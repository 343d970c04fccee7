package io.github.tpdiff.runtime.diffusion;

/**
 * The way from the end of stage k+1 to the start of stage k (paper eq. 14, for any upsampling):
 * {@code x̂_s = a·U·x̂_e + n}, n ~ N(0, R) over time.
 *
 * <p>{@code a = γ_s / γ_e} and {@code R = σ_s² I − a² σ_e² U Uᵀ}, so that signal and noise have
 * exactly the law that stage k is trained on. For nearest upsampling by two R is made of blocks
 * {@code σ_s²/2 · [[1, −1], [−1, 1]]}, the paper's noise.
 *
 * @param scale a
 * @param up U
 * @param noiseFactor the symmetric square root of R
 */
record Linkage(double scale, TimeMatrix up, TimeMatrix noiseFactor) {

  /** The noisiest time from which {@code start} can be reached: {@code σ_e/γ_e = σ_s/(√λ·γ_s)}. */
  static double endTime(DiffusionForm form, TimeMatrix up, double start) {
    double lambda = new SymmetricEigen(up.times(up.transpose())).largest();
    double ratio = form.sigma(start) / (Math.sqrt(lambda) * form.gamma(start));
    return form.floorTime(form.timeAt(ratio));
  }

  /** The linkage from the end {@code end} of the coarser stage to {@code start}. */
  static Linkage between(DiffusionForm form, TimeMatrix up, double end, double start) {
    double scale = form.gamma(start) / form.gamma(end);
    double kept = scale * form.sigma(end);
    double variance = form.sigma(start) * form.sigma(start);
    TimeMatrix covariance =
        TimeMatrix.identity(up.rows()).mix(variance, -kept * kept, up.times(up.transpose()));
    return new Linkage(scale, up, new SymmetricEigen(covariance).squareRoot(variance));
  }

  /** The same as numbers. */
  StageNumbers.Entry numbers() {
    return new StageNumbers.Entry(
        scale, up.toLists(), noiseFactor.times(noiseFactor).toLists(), noiseFactor.toLists());
  }

  /** The start of stage k from the end of stage k+1 and white noise at stage k's frame count. */
  Latents apply(Latents end, Latents noise) {
    return up.apply(end).mix(scale, 1, noiseFactor.apply(noise));
  }
}
