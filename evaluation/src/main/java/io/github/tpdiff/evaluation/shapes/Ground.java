package io.github.tpdiff.evaluation.shapes;

import java.util.Arrays;
import java.util.Comparator;

/** What lies behind a shape: a grey, so that what has colour is the shape. */
public enum Ground {
  BLACK(0.10),
  GREY(0.48),
  WHITE(0.88);

  private final double level;

  Ground(double level) {
    this.level = level;
  }

  /** Mean of all channels, in [0, 1]. */
  double level() {
    return level;
  }

  /** The one of the nearest level. */
  static Ground nearest(double level) {
    return Arrays.stream(values())
        .min(Comparator.comparingDouble(own -> Math.abs(own.level - level)))
        .orElseThrow();
  }

  /** What the ground shows; it does not move. */
  public enum Texture {
    PLAIN,
    STRIPED,
    SPECKLED;

    private static final double DEPTH = 0.05;

    /** A side of the picture has as many stripes, and twice as many specks. */
    private static final int STRIPES = 8;

    /**
     * What is added to the level at a place in shorter sides.
     *
     * @param grain number of the pattern of specks
     */
    double brightness(double x, double y, long grain) {
      return switch (this) {
        case PLAIN -> 0;
        case STRIPED -> DEPTH * Math.sin(2 * Math.PI * STRIPES * (x + y) / 2);
        case SPECKLED -> DEPTH * speck((long) (2 * STRIPES * x), (long) (2 * STRIPES * y), grain);
      };
    }

    /** In [-1, 1): the finisher of SplitMix64 (Steele et al. 2014). */
    private static double speck(long column, long row, long grain) {
      long z = grain + 0x9E3779B97F4A7C15L * (1 + column + 1024 * row);
      z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
      z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
      return ((z ^ (z >>> 31)) >> 11) * 0x1p-52;
    }
  }
}
