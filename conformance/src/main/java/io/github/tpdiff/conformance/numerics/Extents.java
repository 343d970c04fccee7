package io.github.tpdiff.conformance.numerics;

import java.util.List;

/** Shapes in {@code case.json}. */
final class Extents {
  private Extents() {}

  /** The number of elements of a shape. */
  static int product(List<Integer> shape) {
    return shape.stream().reduce(1, Math::multiplyExact);
  }
}
