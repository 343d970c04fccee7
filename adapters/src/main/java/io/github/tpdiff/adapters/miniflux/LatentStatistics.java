package io.github.tpdiff.adapters.miniflux;

/**
 * Scaling of latents, the same for all channels: normalised = (latent − mean) / std. The values
 * stand in the authors' code; the configuration's scaling_factor has no meaning.
 */
record LatentStatistics(double mean, double std) {
  /** Of the first frame, which is encoded as a picture is. */
  static final LatentStatistics FIRST_FRAME = new LatentStatistics(-0.04, 1.8726);

  static final LatentStatistics LATER_FRAMES = new LatentStatistics(-0.2343, 3.0986);
}
