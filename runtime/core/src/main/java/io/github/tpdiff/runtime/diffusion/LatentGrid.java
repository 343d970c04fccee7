package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * The places of a clip's latents: the axes of [B, C, F, H, W] along which stages differ.
 *
 * @param frames latent frames
 * @param height latent rows
 * @param width latent columns
 */
public record LatentGrid(int frames, int height, int width) {
  /**
   * @throws IllegalArgumentException if a number is not positive
   */
  public LatentGrid {
    checkArgument(
        frames > 0 && height > 0 && width > 0,
        "grid: every axis must be positive, found [%s, %s, %s]",
        frames,
        height,
        width);
  }

  /** The places along an axis. */
  public int along(GridAxis axis) {
    return switch (axis) {
      case TIME -> frames;
      case HEIGHT -> height;
      case WIDTH -> width;
    };
  }

  /** The same with other places along an axis. */
  LatentGrid with(GridAxis axis, int places) {
    return switch (axis) {
      case TIME -> new LatentGrid(places, height, width);
      case HEIGHT -> new LatentGrid(frames, places, width);
      case WIDTH -> new LatentGrid(frames, height, places);
    };
  }

  @Override
  public String toString() {
    return "[" + frames + ", " + height + ", " + width + "]";
  }
}
