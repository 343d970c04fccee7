package io.github.tpdiff.runtime.diffusion;

/**
 * The part of latents in which clips differ most, in few numbers: sums over equal blocks of frames,
 * rows and columns, each divided by the root of the block's size.
 *
 * <p>The blocks' unit vectors are orthonormal, so white noise stays white noise with a variance of
 * one, and an inner product of two projections is that of the latents' low frequencies. A random
 * projection to as few numbers would drown it in the noise's own norm.
 */
public final class LowFrequencies {
  /** The most numbers that are kept, as long as there are no more channels. */
  public static final int MOST = 512;

  private LowFrequencies() {}

  /** The projection of one clip, itself where it has few numbers; O(values) in time. */
  public static Latents of(Latents clip) {
    LatentShape shape = clip.shape();
    LatentShape coarse = coarse(shape);
    if (coarse.equals(shape)) {
      return clip;
    }
    double[] sums = new double[coarse.elements()];
    int[] counts = new int[coarse.elements()];
    int from = 0;
    for (int plane = 0; plane < shape.batch() * shape.channels(); plane++) {
      for (int f = 0; f < shape.frames(); f++) {
        int frame = plane * coarse.frames() + cell(f, shape.frames(), coarse.frames());
        for (int y = 0; y < shape.height(); y++) {
          int row = frame * coarse.height() + cell(y, shape.height(), coarse.height());
          for (int x = 0; x < shape.width(); x++) {
            int to = row * coarse.width() + cell(x, shape.width(), coarse.width());
            sums[to] += clip.data()[from++];
            counts[to]++;
          }
        }
      }
    }
    Latents projected = Latents.zeros(coarse);
    for (int i = 0; i < sums.length; i++) {
      projected.data()[i] = (float) (sums[i] / Math.sqrt(counts[i]));
    }
    return projected;
  }

  private static int cell(int at, int fine, int coarse) {
    return (int) ((long) at * coarse / fine);
  }

  /** Halves the longest axis until few enough numbers are left. */
  private static LatentShape coarse(LatentShape shape) {
    int frames = shape.frames();
    int height = shape.height();
    int width = shape.width();
    int planes = shape.batch() * shape.channels();
    while ((long) planes * frames * height * width > MOST && frames * height * width > 1) {
      if (width >= height && width >= frames) {
        width = (width + 1) / 2;
      } else if (height >= frames) {
        height = (height + 1) / 2;
      } else {
        frames = (frames + 1) / 2;
      }
    }
    return new LatentShape(shape.batch(), shape.channels(), frames, height, width);
  }
}
