package io.github.tpdiff.runtime.video;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * Size and rate of a video to be written.
 *
 * @param width width in pixels, even
 * @param height height in pixels, even
 * @param fps frames per second
 */
public record VideoFormat(int width, int height, double fps) {
  /** The highest frame rate that is written. */
  public static final int MOST_FPS = 1000;

  public VideoFormat {
    // yuv420p, the only layout that every player shows, halves the colour planes.
    checkArgument(
        width >= 2 && height >= 2 && width % 2 == 0 && height % 2 == 0,
        "video size: expected even width and height of at least 2, found %s x %s",
        width,
        height);
    checkArgument(
        fps > 0 && fps <= MOST_FPS,
        "fps: expected more than 0 and at most " + MOST_FPS + ", found %s",
        fps);
  }
}
