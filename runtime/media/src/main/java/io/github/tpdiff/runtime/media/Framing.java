package io.github.tpdiff.runtime.media;

/**
 * How stored pictures become upright ones of a wanted size: scaled until they cover it, turned, and
 * cut evenly at both ends of the side that is too long.
 *
 * @param scaledWidth width of the stored picture after scaling, before turning
 * @param scaledHeight height of the stored picture after scaling, before turning
 * @param orientation how it is turned and mirrored
 * @param width wanted width
 * @param height wanted height
 */
record Framing(int scaledWidth, int scaledHeight, Orientation orientation, int width, int height) {

  /** Keeps every pixel of a decoder's pictures. */
  static Framing whole(VideoDecoder decoder) {
    boolean turned = decoder.orientation().transposed();
    return new Framing(
        decoder.width(),
        decoder.height(),
        decoder.orientation(),
        turned ? decoder.height() : decoder.width(),
        turned ? decoder.width() : decoder.height());
  }

  /** Covers the wanted size with a decoder's pictures, without distortion. */
  static Framing cover(VideoDecoder decoder, int width, int height) {
    boolean turned = decoder.orientation().transposed();
    int storedWidth = turned ? height : width;
    int storedHeight = turned ? width : height;
    double shownWidth = decoder.width() * decoder.pixelAspect();
    double scale = Math.max(storedWidth / shownWidth, (double) storedHeight / decoder.height());
    return new Framing(
        Math.max(storedWidth, (int) Math.round(shownWidth * scale)),
        Math.max(storedHeight, (int) Math.round(decoder.height() * scale)),
        decoder.orientation(),
        width,
        height);
  }

  /** Pixels cut from the scaled, upright picture's width. */
  int cutColumns() {
    return (orientation.transposed() ? scaledHeight : scaledWidth) - width;
  }

  /** Pixels cut from the scaled, upright picture's height. */
  int cutRows() {
    return (orientation.transposed() ? scaledWidth : scaledHeight) - height;
  }

  /** Index into the scaled, stored picture of a pixel of the result. */
  int source(int row, int column) {
    return orientation.source(
        column + cutColumns() / 2, row + cutRows() / 2, scaledWidth, scaledHeight);
  }
}
