package io.github.tpdiff.runtime.media;

/** From the colours of jpg files to RGB, in the integers of libjpeg and Pillow. */
final class JpegColours {
  private static final int BITS = 16;
  private static final int HALF = 1 << (BITS - 1);
  private static final int CR_TO_RED = fixed(1.40200);
  private static final int CR_TO_GREEN = fixed(0.71414);
  private static final int CB_TO_GREEN = fixed(0.34414);
  private static final int CB_TO_BLUE = fixed(1.77200);

  private JpegColours() {}

  private static int fixed(double factor) {
    return (int) (factor * (1 << BITS) + 0.5);
  }

  /** Y, Cb, Cr to red, green, blue, in place. Source: libjpeg, {@code jdcolor.c}. */
  static void fromDifferences(int[] pixel) {
    int y = pixel[0];
    int cb = pixel[1] - 128;
    int cr = pixel[2] - 128;
    pixel[0] = clip(y + ((CR_TO_RED * cr + HALF) >> BITS));
    pixel[1] = clip(y + ((-CB_TO_GREEN * cb - CR_TO_GREEN * cr + HALF) >> BITS));
    pixel[2] = clip(y + ((CB_TO_BLUE * cb + HALF) >> BITS));
  }

  /**
   * Four inks to red, green, blue, in place. Stored inks are inverted, as Adobe's programs write
   * them and Pillow reads them.
   *
   * @param differences whether they came as differences, which give the complement of each ink
   */
  static void fromInks(int[] pixel, boolean differences) {
    int light = pixel[3];
    for (int c = 0; c < 3; c++) {
      int ink = differences ? pixel[c] : 255 - pixel[c];
      int product = ink * light + 128;
      pixel[c] = clip(light - (((product >> 8) + product) >> 8));
    }
  }

  private static int clip(int value) {
    return Math.max(0, Math.min(255, value));
  }
}
