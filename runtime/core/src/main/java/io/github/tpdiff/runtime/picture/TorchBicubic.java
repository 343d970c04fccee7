package io.github.tpdiff.runtime.picture;

/**
 * torch's bicubic interpolation of floats in single precision: Keys' cubic with a = -0.75 over four
 * pixels each way whatever the scale, so that shrinking aliases; pixel centres at halves, edges
 * repeated, results left where they overshoot.
 *
 * <p>Source: PyTorch, {@code torch.nn.functional.interpolate(mode="bicubic", align_corners=False)},
 * {@code aten/src/ATen/native/UpSample.h}.
 */
final class TorchBicubic {
  private static final int TAPS = 4;
  private static final float A = -0.75f;

  private TorchBicubic() {}

  /**
   * Resizes a picture whose bytes stand for floats.
   *
   * @param level the float of each of the 256 bytes
   */
  static PictureValues resize(RgbPicture picture, PictureSize size, float[] level) {
    byte[] rgb = picture.rgb();
    var columns = new Axis(picture.width(), size.width());
    var rows = new Axis(picture.height(), size.height());
    int plane = size.pixels();
    var data = new float[RgbPicture.CHANNELS * plane];
    for (int y = 0, pixel = 0; y < size.height(); y++) {
      for (int x = 0; x < size.width(); x++, pixel++) {
        for (int c = 0; c < RgbPicture.CHANNELS; c++) {
          float sum = 0;
          for (int v = TAPS * y; v < TAPS * (y + 1); v++) {
            int row = rows.index[v] * picture.width();
            float inRow = 0;
            for (int u = TAPS * x; u < TAPS * (x + 1); u++) {
              int from = RgbPicture.CHANNELS * (row + columns.index[u]) + c;
              inRow += level[rgb[from] & 0xff] * columns.weight[u];
            }
            sum += inRow * rows.weight[v];
          }
          data[c * plane + pixel] = sum;
        }
      }
    }
    return new PictureValues(data, size);
  }

  /** Four pixels of one axis, and their weights, for each pixel of the result. */
  private static final class Axis {
    private final int[] index;
    private final float[] weight;

    Axis(int in, int out) {
      index = new int[TAPS * out];
      weight = new float[TAPS * out];
      float scale = (float) in / out;
      for (int i = 0; i < out; i++) {
        float centre = scale * (i + 0.5f) - 0.5f;
        int floor = (int) Math.floor(centre);
        float t = Math.max(0, Math.min(1, centre - floor));
        float[] weights = {outer(t + 1), inner(t), inner(1 - t), outer(2 - t)};
        for (int tap = 0; tap < TAPS; tap++) {
          index[TAPS * i + tap] = Math.max(0, Math.min(in - 1, floor - 1 + tap));
          weight[TAPS * i + tap] = weights[tap];
        }
      }
    }

    /** At a distance up to 1. */
    private static float inner(float x) {
      return ((A + 2) * x - (A + 3)) * x * x + 1;
    }

    /** At a distance from 1 to 2. */
    private static float outer(float x) {
      return ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
    }
  }
}
