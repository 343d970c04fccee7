package io.github.tpdiff.runtime.picture;

import java.util.Arrays;
import java.util.Optional;

/** Weights over the distance to a pixel, in pixels of the coarser of two grids, as in Pillow. */
public enum ResampleFilter {
  LANCZOS(1, 3) {
    @Override
    double weight(double x) {
      return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0;
    }
  },
  BILINEAR(2, 1) {
    @Override
    double weight(double x) {
      return Math.max(0, 1 - Math.abs(x));
    }
  },
  /** Keys' cubic with a = -0.5. */
  BICUBIC(3, 2) {
    @Override
    double weight(double x) {
      double d = Math.abs(x);
      if (d < 1) {
        return ((A + 2) * d - (A + 3)) * d * d + 1;
      }
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * A : 0;
    }
  };

  private static final double A = -0.5;

  private final int number;
  private final double support;

  ResampleFilter(int number, double support) {
    this.number = number;
    this.support = support;
  }

  /** The filter that Pillow gives this number, as configuration files do. */
  public static Optional<ResampleFilter> find(double number) {
    return Arrays.stream(values()).filter(filter -> filter.number == number).findFirst();
  }

  /** Beyond this distance the weight is 0. */
  double support() {
    return support;
  }

  abstract double weight(double x);

  private static double sinc(double x) {
    if (x == 0) {
      return 1;
    }
    double t = x * Math.PI;
    return Math.sin(t) / t;
  }
}
