package io.github.tpdiff.runtime.media;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * How many frames a clip may have: at most {@code most}, at least {@code least}, and always {@code
 * multiple · k + 1}.
 *
 * <p>Video autoencoders take a first frame and then groups of {@code multiple}: 4 for Wan, 8 for
 * Pyramid-Flow; 1 stands for no such rule.
 */
public record FrameCount(int least, int most, int multiple) {
  public FrameCount {
    checkArgument(multiple >= 1, "multiple: expected at least 1, found %s", multiple);
    checkArgument(
        least >= 1 && least <= most,
        "frames: expected 1 <= least <= most, found %s, %s",
        least,
        most);
    checkArgument(
        (least - 1) % multiple == 0 && (most - 1) % multiple == 0,
        "frames: expected %s·k + 1, found %s and %s",
        multiple,
        least,
        most);
  }

  /** Just this many. */
  public static FrameCount exactly(int frames) {
    return new FrameCount(frames, frames, 1);
  }

  /** The largest allowed number among those available; 0 if there is none. */
  int fitting(int available) {
    int frames = (Math.min(available, most) - 1) / multiple * multiple + 1;
    return available >= least ? frames : 0;
  }
}
