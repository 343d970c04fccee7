package io.github.tpdiff.runtime.picture;

/**
 * torch's interpolation of floats in single precision: as many pixels each way whatever the scale,
 * so that shrinking aliases; pixel centres at halves, edges repeated, results left where they
 * overshoot.
 *
 * <p>Source: PyTorch, {@code torch.nn.functional.interpolate(align_corners=False,
 * antialias=False)}, {@code aten/src/ATen/native/UpSample.h}.
 */
public enum TorchResize {
  /** Two pixels each way. */
  BILINEAR(2) {
    @Override
    float centre(float centre) {
      return Math.max(0, centre);
    }

    @Override
    float[] weights(float t) {
      return new float[] {1 - t, t};
    }
  },
  /** Keys' cubic with a = -0.75 over four pixels each way. */
  BICUBIC(4) {
    @Override
    float centre(float centre) {
      return centre;
    }

    @Override
    float[] weights(float t) {
      return new float[] {outer(t + 1), inner(t), inner(1 - t), outer(2 - t)};
    }
  };

  private static final float A = -0.75f;

  private final int taps;

  TorchResize(int taps) {
    this.taps = taps;
  }

  /** Where a pixel of the result lies between the centres of the picture's. */
  abstract float centre(float centre);

  /** Of the pixels around, at a distance t from the last before it. */
  abstract float[] weights(float t);

  /**
   * Resizes a picture whose bytes stand for floats.
   *
   * @param level the float of each of the 256 bytes
   * @return values [1, 3, H, W] of that size
   */
  public PictureValues resize(RgbPicture picture, PictureSize size, float[] level) {
    byte[] rgb = picture.rgb();
    var columns = new Axis(picture.width(), size.width());
    var rows = new Axis(picture.height(), size.height());
    int plane = size.pixels();
    var data = new float[RgbPicture.CHANNELS * plane];
    for (int y = 0, pixel = 0; y < size.height(); y++) {
      for (int x = 0; x < size.width(); x++, pixel++) {
        for (int c = 0; c < RgbPicture.CHANNELS; c++) {
          float sum = 0;
          for (int v = taps * y; v < taps * (y + 1); v++) {
            int row = rows.index[v] * picture.width();
            float inRow = 0;
            for (int u = taps * x; u < taps * (x + 1); u++) {
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

  /** The pixels of one axis, and their weights, for each pixel of the result. */
  private final class Axis {
    private final int[] index;
    private final float[] weight;

    Axis(int in, int out) {
      index = new int[taps * out];
      weight = new float[taps * out];
      float scale = (float) in / out;
      for (int i = 0; i < out; i++) {
        float centre = centre(scale * (i + 0.5f) - 0.5f);
        int floor = (int) Math.floor(centre);
        float[] weights = weights(Math.max(0, Math.min(1, centre - floor)));
        for (int tap = 0; tap < taps; tap++) {
          int pixel = floor - (taps / 2 - 1) + tap;
          index[taps * i + tap] = Math.max(0, Math.min(in - 1, pixel));
          weight[taps * i + tap] = weights[tap];
        }
      }
    }
  }

  /** Keys' cubic at a distance up to 1. */
  private static float inner(float x) {
    return ((A + 2) * x - (A + 3)) * x * x + 1;
  }

  /** Keys' cubic at a distance from 1 to 2. */
  private static float outer(float x) {
    return ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
  }
}
