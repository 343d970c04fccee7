package io.github.tpdiff.runtime.picture;

import io.github.tpdiff.runtime.picture.ResampleTaps.Span;
import java.util.Arrays;

/**
 * Pillow's resize of bytes, bit for bit: two passes in integers with bytes between them, each with
 * a filter that widens when shrinking, so that fine patterns do not alias.
 *
 * <p>Only the part asked for is computed, so memory is bounded by the picture and that part.
 * Source: Pillow, {@code src/libImaging/Resample.c}.
 *
 * @param width of the whole result; an axis that keeps its length is copied
 * @param height of the whole result
 * @param filter the weights
 */
record PillowResize(int width, int height, ResampleFilter filter) {
  private static final int CHANNELS = RgbPicture.CHANNELS;

  /** The whole result. */
  RgbPicture apply(RgbPicture picture) {
    return apply(picture, Span.whole(width), Span.whole(height));
  }

  /** Columns and rows of the result, the same as if they had been cut from the whole. */
  RgbPicture apply(RgbPicture picture, Span columns, Span rows) {
    var across = ResampleTaps.of(picture.width(), width, filter, columns);
    var down = ResampleTaps.of(picture.height(), height, filter, rows);
    Span usedColumns = across.source();
    Span usedRows = down.source();
    return isVerticalFirst(picture)
        ? alongWidth(
            alongHeight(picture, down, usedColumns),
            across.from(usedColumns.start()),
            Span.whole(rows.length()))
        : alongHeight(
            alongWidth(picture, across, usedRows),
            down.from(usedRows.start()),
            Span.whole(columns.length()));
  }

  /**
   * Pillow 13.0 begins with the height where it loses more than twice the pixels that the width
   * does; earlier ones always began with the width. Bytes are rounded in between, so the order
   * shows.
   */
  private boolean isVerticalFirst(RgbPicture picture) {
    int lostRows = picture.height() - height;
    return lostRows > 2 * Math.max(0, picture.width() - width);
  }

  private static RgbPicture alongWidth(RgbPicture picture, ResampleTaps taps, Span rows) {
    byte[] from = picture.rgb();
    var size = new PictureSize(taps.length(), rows.length());
    var to = new byte[CHANNELS * size.pixels()];
    for (int y = 0, at = 0; y < size.height(); y++) {
      int row = (rows.start() + y) * picture.width();
      for (int x = 0; x < size.width(); x++, at += CHANNELS) {
        int pixel = CHANNELS * (row + taps.first()[x]);
        int red = ResampleTaps.HALF;
        int green = ResampleTaps.HALF;
        int blue = ResampleTaps.HALF;
        for (int weight : taps.weights()[x]) {
          red += weight * (from[pixel] & 0xff);
          green += weight * (from[pixel + 1] & 0xff);
          blue += weight * (from[pixel + 2] & 0xff);
          pixel += CHANNELS;
        }
        to[at] = ResampleTaps.toByte(red);
        to[at + 1] = ResampleTaps.toByte(green);
        to[at + 2] = ResampleTaps.toByte(blue);
      }
    }
    return new RgbPicture(to, size);
  }

  private static RgbPicture alongHeight(RgbPicture picture, ResampleTaps taps, Span columns) {
    byte[] from = picture.rgb();
    var size = new PictureSize(columns.length(), taps.length());
    var to = new byte[CHANNELS * size.pixels()];
    // Row by row, as memory lies.
    var sums = new int[CHANNELS * size.width()];
    for (int y = 0; y < size.height(); y++) {
      Arrays.fill(sums, ResampleTaps.HALF);
      int at = CHANNELS * (taps.first()[y] * picture.width() + columns.start());
      for (int weight : taps.weights()[y]) {
        for (int i = 0; i < sums.length; i++) {
          sums[i] += weight * (from[at + i] & 0xff);
        }
        at += CHANNELS * picture.width();
      }
      for (int i = 0; i < sums.length; i++) {
        to[y * sums.length + i] = ResampleTaps.toByte(sums[i]);
      }
    }
    return new RgbPicture(to, size);
  }
}
