package io.github.tpdiff.evaluation.shapes;

/**
 * What a shape is. All kinds of one radius have the same area, that of the circle; each lies about
 * its centroid.
 */
public enum ShapeKind {
  CIRCLE(1, 1, 1) {
    @Override
    double distance(double x, double y) {
      return Math.hypot(x, y) - 1;
    }
  },
  SQUARE(Sizes.HALF_SIDE, Sizes.HALF_SIDE, Sizes.HALF_SIDE) {
    @Override
    double distance(double x, double y) {
      return Math.max(Math.abs(x), Math.abs(y)) - Sizes.HALF_SIDE;
    }
  },
  /** Equilateral, one corner up. */
  TRIANGLE(Sizes.CORNER * Sizes.ROOT_3 / 2, Sizes.CORNER, Sizes.CORNER / 2) {
    @Override
    double distance(double x, double y) {
      return Math.max(y, Sizes.ROOT_3 / 2 * Math.abs(x) - y / 2) - Sizes.CORNER / 2;
    }
  };

  /** Of shapes with the area of the circle of radius 1. */
  private static final class Sizes {
    static final double ROOT_3 = Math.sqrt(3);
    static final double HALF_SIDE = Math.sqrt(Math.PI) / 2;

    /** From the centroid to a corner of the triangle. */
    static final double CORNER = Math.sqrt(4 * Math.PI / (3 * ROOT_3));
  }

  private final double across;
  private final double up;
  private final double down;

  ShapeKind(double across, double up, double down) {
    this.across = across;
    this.up = up;
    this.down = down;
  }

  /**
   * Signed distance to the outline of the shape of radius 1 about the origin, negative inside; y
   * points down. At corners it is that to the nearer side's line.
   */
  abstract double distance(double x, double y);

  /** How far the shape of radius 1 reaches to the left and to the right. */
  double across() {
    return across;
  }

  /** How far it reaches upwards. */
  double up() {
    return up;
  }

  /** How far it reaches downwards. */
  double down() {
    return down;
  }
}
