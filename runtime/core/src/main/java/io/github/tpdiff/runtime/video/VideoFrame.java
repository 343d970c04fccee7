package io.github.tpdiff.runtime.video;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * One picture of a video.
 *
 * @param data values in [-1, 1], row-major [3, H, W], red first
 * @param height H in pixels
 * @param width W in pixels
 * @param seconds when it is shown, counted from the first frame
 */
@SuppressWarnings(
    "ArrayRecordComponent") // the form in which engines take it; frames are not compared
public record VideoFrame(float[] data, int height, int width, double seconds) {
  public VideoFrame {
    long expected = 3L * height * width;
    checkArgument(
        height >= 1 && width >= 1,
        "frame: expected at least one pixel, found %s x %s",
        width,
        height);
    checkArgument(
        data.length == expected, "data: expected %s values, found %s", expected, data.length);
  }

  /** One value as a byte: -1 is 0, 1 is 255, what lies outside is clipped. */
  public int toByte(int channel, int pixel) {
    float value = data[channel * height * width + pixel];
    checkArgument(!Float.isNaN(value), "frame at %s s: value is not a number", seconds);
    return Math.round(Math.max(0f, Math.min(255f, (value + 1f) * 127.5f)));
  }
}
