package io.github.tpdiff.evaluation.shapes;

import java.util.SplittableRandom;

/**
 * What a word such as small says in numbers.
 *
 * @param least in shorter sides
 * @param most likewise
 */
record Extent(double least, double most) {
  double draw(SplittableRandom random) {
    return least + (most - least) * random.nextDouble();
  }

  /** Whether a measured value may be one of these, give or take a share of it. */
  boolean holds(double value, double share) {
    return value >= least * (1 - share) && value <= most * (1 + share);
  }

  /** How large a shape is: the radius of the circle of its area. */
  static Extent radius(SceneWords.Size size) {
    return switch (size) {
      case SMALL -> new Extent(0.08, 0.10);
      case LARGE -> new Extent(0.18, 0.22);
    };
  }

  /** How long its way is, from the first frame to the last. */
  static Extent way(SceneWords.Pace pace) {
    return switch (pace) {
      case SLOWLY -> new Extent(0.13, 0.19);
      case QUICKLY -> new Extent(0.32, 0.40);
    };
  }
}
