package io.github.tpdiff.runtime.media;

/**
 * libwebp's way from brightness and halved differences to RGB, bit for bit. Source: libwebp, {@code
 * src/dsp/upsampling.c} and {@code src/dsp/yuv.h}.
 */
final class WebpColours {
  private static final int CLIP_BITS = 6;

  private WebpColours() {}

  /**
   * Converts a row.
   *
   * @param luma brightness of each pixel
   * @param near the two rows of differences, of half the width, that this row lies in
   * @param far those that come next on the side where this row lies
   * @param rgb takes the row, among others
   * @param y which it is
   */
  static void convert(byte[] luma, byte[][] near, byte[][] far, byte[] rgb, int y) {
    int at = 3 * y * luma.length;
    for (int x = 0; x < luma.length; x++, at += 3) {
      int u = upsampled(near[0], far[0], x);
      int v = upsampled(near[1], far[1], x);
      int light = high(luma[x] & 0xff, 19_077);
      rgb[at] = clip(light + high(v, 26_149) - 14_234);
      rgb[at + 1] = clip(light - high(u, 6_419) - high(v, 13_320) + 8_708);
      rgb[at + 2] = clip(light + high(u, 33_050) - 17_685);
    }
  }

  /** Nine parts of the nearest difference, three each of the next two, one of the fourth. */
  private static int upsampled(byte[] near, byte[] far, int x) {
    int here = x / 2;
    int there = x % 2 == 0 ? here - 1 : here + 1;
    int a = near[here] & 0xff;
    int c = far[here] & 0xff;
    if (there < 0 || there >= near.length) {
      return (3 * a + c + 2) >> 2;
    }
    int b = near[there] & 0xff;
    int d = far[there] & 0xff;
    int cross = (a + b + c + d + 8 + 2 * (b + c)) >> 3;
    return (cross + a) >> 1;
  }

  private static int high(int value, int factor) {
    return (value * factor) >> 8;
  }

  private static byte clip(int value) {
    return (byte) Math.max(0, Math.min(255, value >> CLIP_BITS));
  }
}
