package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.picture.PictureValues;
import io.github.tpdiff.runtime.picture.RgbPicture;

/**
 * A picture widened evenly on both sides until a network's blocks divide it, its edges repeated.
 * Source: RAFT and AMT, {@code InputPadder}.
 *
 * @param tensor values [1, 3, H, W]
 * @param left columns before the picture's own
 * @param top rows before the picture's own
 */
record PaddedPicture(Tensor tensor, int left, int top) {
  static PaddedPicture of(PictureValues picture, int multiple) {
    int width = roundedUp(picture.width(), multiple);
    int height = roundedUp(picture.height(), multiple);
    int left = (width - picture.width()) / 2;
    int top = (height - picture.height()) / 2;
    var data = new float[RgbPicture.CHANNELS * height * width];
    for (int c = 0, at = 0; c < RgbPicture.CHANNELS; c++) {
      for (int y = 0; y < height; y++) {
        int row = c * picture.height() + clamped(y - top, picture.height());
        for (int x = 0; x < width; x++, at++) {
          data[at] = picture.data()[row * picture.width() + clamped(x - left, picture.width())];
        }
      }
    }
    return new PaddedPicture(
        Tensor.ofFloats(data, 1, RgbPicture.CHANNELS, height, width), left, top);
  }

  private static int roundedUp(int length, int multiple) {
    return (length + multiple - 1) / multiple * multiple;
  }

  private static int clamped(int index, int length) {
    return Math.max(0, Math.min(length - 1, index));
  }
}
