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

  private int alone() {
    return firstFrame == FirstFrame.SHARED ? 1 : 0;
  }

  /** Whether a clip of this many frames has whole groups, at least one. */
  boolean fits(int frames, int stride) {
    int grouped = frames - alone();
    return grouped >= stride && grouped % stride == 0;
  }

  /** The longest clip not above {@code frames} that fits, or the shortest there is. */
  int fitBelow(int frames, int stride) {
    return alone() + Math.max(1, (frames - alone()) / stride) * stride;
  }

  /** The frames that remain of a clip that fits. */
  int coarseFrames(int frames, int stride) {
    return alone() + (frames - alone()) / stride;
  }

  /** D_r on a clip of {@code frames}: coarse × fine. */
  TimeMatrix down(int frames, int stride) {
    int coarse = coarseFrames(frames, stride);
    var down = new TimeMatrix(coarse, frames);
    for (int i = 0; i < coarse; i++) {
      if (downsampling == Downsampling.STRIDE || i < alone()) {
        down.set(i, i * stride, 1);
      } else {
        for (int j = 0; j < stride; j++) {
          down.set(i, groupStart(i, stride) + j, 1.0 / stride);
        }
      }
    }
    return down;
  }

  /** U from {@code coarse} frames to {@code rate} times as many: fine × coarse. */
  TimeMatrix up(int coarse, int rate) {
    int fine = alone() + (coarse - alone()) * rate;
    var up = new TimeMatrix(fine, coarse);
    for (int f = 0; f < fine; f++) {
      if (upsampling == Upsampling.NEAREST) {
        up.set(f, f < alone() ? 0 : (f - alone()) / rate + alone(), 1);
      } else {
        setLine(up, f, rate);
      }
    }
    return up;
  }

  private void setLine(TimeMatrix up, int fine, int rate) {
    int last = up.columns() - 1;
    int right = 0;
    while (right < last && place(right, rate) < fine) {
      right++;
    }
    double at = place(right, rate);
    if (right == 0 || at <= fine) {
      up.set(fine, right, 1);
      return;
    }
    double part = (at - fine) / (at - place(right - 1, rate));
    up.set(fine, right - 1, part);
    up.set(fine, right, 1 - part);
  }

  /**
   * Where coarse frame i lies among the fine frames: at the frame, or the middle, it stands for.
   */
  private double place(int i, int rate) {
    return downsampling == Downsampling.STRIDE || i < alone()
        ? i * rate
        : groupStart(i, rate) + 0.5 * (rate - 1);
  }

  private int groupStart(int i, int rate) {
    return alone() + (i - alone()) * rate;
  }
}
