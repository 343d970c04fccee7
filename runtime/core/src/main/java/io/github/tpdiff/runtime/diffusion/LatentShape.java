package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * The shape [B, C, F, H, W] of latents.
 *
 * @param batch clips
 * @param channels latent channels
 * @param frames latent frames
 * @param height latent rows
 * @param width latent columns
 */
public record LatentShape(int batch, int channels, int frames, int height, int width) {

  /**
   * @throws IllegalArgumentException if a dimension is not positive or the product passes 2^31 - 1
   */
  public LatentShape {
    checkArgument(
        batch > 0 && channels > 0 && frames > 0 && height > 0 && width > 0,
        "latents: every dimension must be positive, found [%s, %s, %s, %s, %s]",
        batch,
        channels,
        frames,
        height,
        width);
    long elements = (long) batch * channels;
    for (int dim : new int[] {frames, height, width}) {
      elements *= dim;
      checkArgument(
          elements <= Integer.MAX_VALUE,
          "latents: [%s, %s, %s, %s, %s] has more than 2147483647 values; use a smaller batch or clip",
          batch,
          channels,
          frames,
          height,
          width);
    }
  }

  /** The number of values. */
  public int elements() {
    return batch * channels * frames * height * width;
  }

  /** The values of one frame of one channel. */
  public int pixels() {
    return height * width;
  }

  /** Frames, rows and columns. */
  public LatentGrid grid() {
    return new LatentGrid(frames, height, width);
  }

  /** The same clips and channels on another grid. */
  public LatentShape withGrid(LatentGrid grid) {
    return new LatentShape(batch, channels, grid.frames(), grid.height(), grid.width());
  }

  /** The same shape with another number of frames. */
  public LatentShape withFrames(int count) {
    return new LatentShape(batch, channels, count, height, width);
  }

  /** The same shape with another batch size. */
  public LatentShape withBatch(int count) {
    return new LatentShape(count, channels, frames, height, width);
  }

  @Override
  public String toString() {
    return "[" + batch + ", " + channels + ", " + frames + ", " + height + ", " + width + "]";
  }
}
