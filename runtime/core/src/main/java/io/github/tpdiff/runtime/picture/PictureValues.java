package io.github.tpdiff.runtime.picture;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * A picture as a network takes it.
 *
 * @param data values, row-major [1, 3, H, W], red first
 * @param size width and height
 */
@SuppressWarnings("ArrayRecordComponent") // the form in which engines take it, never compared
public record PictureValues(float[] data, PictureSize size) {
  public PictureValues {
    checkArgument(
        data.length == RgbPicture.CHANNELS * size.pixels(),
        "data: expected %s values for %s, found %s",
        RgbPicture.CHANNELS * size.pixels(),
        size,
        data.length);
  }

  /** Bytes [H, W, 3], each replaced by what its channel's table of 256 has for it. */
  static PictureValues of(RgbPicture picture, float[][] tables) {
    int plane = picture.size().pixels();
    byte[] rgb = picture.rgb();
    var data = new float[RgbPicture.CHANNELS * plane];
    for (int c = 0; c < RgbPicture.CHANNELS; c++) {
      for (int i = 0, from = c; i < plane; i++, from += RgbPicture.CHANNELS) {
        data[c * plane + i] = tables[c][rgb[from] & 0xff];
      }
    }
    return new PictureValues(data, picture.size());
  }

  public int width() {
    return size.width();
  }

  public int height() {
    return size.height();
  }
}
