package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;

/** Noise that begins with given latents and goes on with another source. */
public final class GivenNoise implements NoiseSource {
  private final Latents first;
  private final NoiseSource rest;
  private boolean drawn;

  /**
   * Noise for one run.
   *
   * @param first the initial latents, at the first stage's frame count
   * @param rest what later stages draw from
   */
  public GivenNoise(Latents first, NoiseSource rest) {
    this.first = first;
    this.rest = rest;
  }

  /**
   * @throws IllegalArgumentException if the given latents are not of the shape that is drawn
   */
  @Override
  public Latents draw(LatentShape shape) {
    if (drawn) {
      return rest.draw(shape);
    }
    checkArgument(
        first.shape().equals(shape),
        "initial latents: expected shape %s, found %s",
        shape,
        first.shape());
    drawn = true;
    return first;
  }
}
