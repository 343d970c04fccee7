package io.github.tpdiff.runtime.media;

/**
 * How stored pictures become upright ones of a wanted size: scaled until they cover it, turned, and
 * cut evenly at both ends of the side that is too long.
 *
 * @param scaledWidth width of the stored picture after scaling, before turning
 * @param scaledHeight height of the stored picture after scaling, before turning
 * @param rotation degrees to turn clockwise
 * @param width wanted width
 * @param height wanted height
 */
record Framing(int scaledWidth, int scaledHeight, int rotation, int width, int height) {

  /** Keeps every pixel. */
  static Framing whole(VideoStream stream) {
    int codedWidth = stream.codedWidth();
    int codedHeight = stream.codedHeight();
    int rotation = stream.rotation();
    boolean turned = rotation % 180 != 0;
    return new Framing(
        codedWidth,
        codedHeight,
        rotation,
        turned ? codedHeight : codedWidth,
        turned ? codedWidth : codedHeight);
  }

  /** Covers the wanted size without distortion. */
  static Framing cover(VideoStream stream, int width, int height) {
    int rotation = stream.rotation();
    boolean turned = rotation % 180 != 0;
    int storedWidth = turned ? height : width;
    int storedHeight = turned ? width : height;
    double shownWidth = stream.codedWidth() * stream.pixelAspect();
    double scale = Math.max(storedWidth / shownWidth, (double) storedHeight / stream.codedHeight());
    return new Framing(
        Math.max(storedWidth, (int) Math.round(shownWidth * scale)),
        Math.max(storedHeight, (int) Math.round(stream.codedHeight() * scale)),
        rotation,
        width,
        height);
  }

  /** Pixels cut from the scaled, upright picture's width. */
  int cutColumns() {
    return (rotation % 180 == 0 ? scaledWidth : scaledHeight) - width;
  }

  /** Pixels cut from the scaled, upright picture's height. */
  int cutRows() {
    return (rotation % 180 == 0 ? scaledHeight : scaledWidth) - height;
  }

  /** Index into the scaled, stored picture of a pixel of the result. */
  int source(int row, int column) {
    int y = row + cutRows() / 2;
    int x = column + cutColumns() / 2;
    return switch (rotation) {
      case 90 -> (scaledHeight - 1 - x) * scaledWidth + y;
      case 180 -> (scaledHeight - 1 - y) * scaledWidth + scaledWidth - 1 - x;
      case 270 -> x * scaledWidth + scaledWidth - 1 - y;
      default -> y * scaledWidth + x;
    };
  }
}
