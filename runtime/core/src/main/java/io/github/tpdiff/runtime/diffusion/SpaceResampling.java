package io.github.tpdiff.runtime.diffusion;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;

/**
 * How rows and columns are dropped and repeated between stages.
 *
 * @param downsampling D: of each block the place at its corner, or the mean
 * @param upsampling U: blocks of one value, or straight lines between
 */
public record SpaceResampling(Downsampling downsampling, Upsampling upsampling) {

  /** Mean and nearest, as Pyramid-Flow has it. */
  public static SpaceResampling blocks() {
    return new SpaceResampling(Downsampling.MEAN, Upsampling.NEAREST);
  }

  AxisResampling axis() {
    return new AxisResampling(downsampling, upsampling, 0);
  }
}
