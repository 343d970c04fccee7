package io.github.tpdiff.conformance.numerics;

import com.fasterxml.jackson.databind.JsonNode;

/** Shapes in {@code case.json}. */
final class Extents {
  private Extents() {}

  /** The number of elements of a shape. */
  static int product(JsonNode shape) {
    int product = 1;
    for (JsonNode extent : shape) {
      product = Math.multiplyExact(product, extent.asInt());
    }
    return product;
  }
}
