package io.github.tpdiff.runtime.diffusion;

/**
 * How frames are dropped and repeated between stages.
 *
 * <p>With a {@linkplain FirstFrame#SHARED shared} first frame, frame 0 stands alone in every stage
 * and the groups of r frames begin at frame 1; otherwise they begin at frame 0.
 *
 * @param downsampling D
 * @param upsampling U
 * @param firstFrame what becomes of frame 0
 */
public record FrameResampling(
    Downsampling downsampling, Upsampling upsampling, FirstFrame firstFrame) {

  /** D: what remains of r frames. */
  public enum Downsampling {
    /** The frame at a multiple of r. */
    STRIDE,
    /** Their mean. */
    MEAN
  }

  /** U: how r frames are made of one. */
  public enum Upsampling {
    /** All equal to it. */
    NEAREST,
    /** On the straight line between the two coarse frames around it. */
    LINEAR
  }

  /** What becomes of frame 0. */
  public enum FirstFrame {
    /** Kept by D and not repeated by U: models whose VAE gives 1 + 4n frames. */
    SHARED,
    /** A frame like the others. */
    GROUPED
  }

  /** Stride, nearest, shared: for Wan and miniFLUX. */
  public static FrameResampling sharedFirstFrame() {
    return new FrameResampling(Downsampling.STRIDE, Upsampling.NEAREST, FirstFrame.SHARED);
  }

  /** Stride, nearest, no shared frame: for AnimateDiff. */
  public static FrameResampling groupedFirstFrame() {
    return new FrameResampling(Downsampling.STRIDE, Upsampling.NEAREST, FirstFrame.GROUPED);
  }

  AxisResampling axis() {
    return new AxisResampling(downsampling, upsampling, firstFrame == FirstFrame.SHARED ? 1 : 0);
  }
}
