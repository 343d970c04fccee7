package io.github.tpdiff.runtime.picture;

import java.util.Random;

/** Pictures made by number. */
final class Pictures {
  private Pictures() {}

  /** Byte i is (7i² + 13i) mod 251, in the order of memory. */
  static RgbPicture squares(int width, int height) {
    var rgb = new byte[3 * width * height];
    for (long i = 0; i < rgb.length; i++) {
      rgb[(int) i] = (byte) ((7 * i * i + 13 * i) % 251);
    }
    return new RgbPicture(rgb, new PictureSize(width, height));
  }

  static RgbPicture noise(int width, int height, long seed) {
    var rgb = new byte[3 * width * height];
    new Random(seed).nextBytes(rgb);
    return new RgbPicture(rgb, new PictureSize(width, height));
  }

  /** Samples as doubles, [H, W] of one channel. */
  static double[][] channel(RgbPicture picture, int channel) {
    var samples = new double[picture.height()][picture.width()];
    for (int y = 0; y < picture.height(); y++) {
      for (int x = 0; x < picture.width(); x++) {
        samples[y][x] = picture.rgb()[3 * (y * picture.width() + x) + channel] & 0xff;
      }
    }
    return samples;
  }
}
