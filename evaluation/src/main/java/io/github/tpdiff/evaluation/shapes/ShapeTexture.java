package io.github.tpdiff.evaluation.shapes;

/** How a shape's colour changes over it; what it shows moves with the shape. */
public enum ShapeTexture {
  PLAIN {
    @Override
    double brightness(double x, double y) {
      return 1;
    }
  },
  STRIPED {
    @Override
    double brightness(double x, double y) {
      return MEAN + DEPTH * Math.sin(WAVE * x);
    }
  },
  SPOTTED {
    @Override
    double brightness(double x, double y) {
      return MEAN + DEPTH * Math.sin(WAVE * x) * Math.sin(WAVE * y);
    }
  };

  private static final double MEAN = 0.78;
  private static final double DEPTH = 0.22;

  /** Stripes are 0.9 radii apart. */
  private static final double WAVE = 2 * Math.PI / 0.9;

  /** Factor on the colour at a place in radii from the centroid; at least 0.56. */
  abstract double brightness(double x, double y);
}
