package io.github.tpdiff.runtime.picture;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * Width and height of a picture.
 *
 * @param width columns, from 1 to {@link #LONGEST_SIDE}
 * @param height rows, likewise; together at most {@link #MOST_PIXELS}
 */
public record PictureSize(int width, int height) {
  /** What a JPEG can have. */
  public static final int LONGEST_SIDE = 65_535;

  /**
   * 64 Mi: more than the cameras of today's phones give by default; as bytes 192 MiB, which is what
   * bounds the memory that a hostile file can ask for.
   */
  public static final int MOST_PIXELS = 1 << 26;

  public PictureSize {
    checkArgument(
        width >= 1
            && height >= 1
            && width <= LONGEST_SIDE
            && height <= LONGEST_SIDE
            && (long) width * height <= MOST_PIXELS,
        "expected sides of 1 to %s pixels and at most %s in all, found %s x %s",
        LONGEST_SIDE,
        MOST_PIXELS,
        width,
        height);
  }

  /** Width times height. */
  public int pixels() {
    return width * height;
  }

  @Override
  public String toString() {
    return width + " x " + height;
  }
}
