package io.github.tpdiff.runtime.picture;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * A picture in memory, upright.
 *
 * @param rgb bytes from 0 to 255, row-major [H, W, 3], red first
 * @param size width and height
 */
@SuppressWarnings("ArrayRecordComponent") // megabytes that are handed on, never compared
public record RgbPicture(byte[] rgb, PictureSize size) {
  public static final int CHANNELS = 3;

  public RgbPicture {
    checkArgument(
        rgb.length == CHANNELS * size.pixels(),
        "rgb: expected %s bytes for %s, found %s",
        CHANNELS * size.pixels(),
        size,
        rgb.length);
  }

  public int width() {
    return size.width();
  }

  public int height() {
    return size.height();
  }
}
