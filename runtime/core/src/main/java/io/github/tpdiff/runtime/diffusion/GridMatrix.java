package io.github.tpdiff.runtime.diffusion;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * A matrix over a grid that is a product of one along each axis, M_t ⊗ M_h ⊗ M_w; it is applied
 * axis by axis.
 *
 * @param factors those that are not the identity
 */
record GridMatrix(Map<GridAxis, AxisMatrix> factors) {
  GridMatrix {
    factors = Map.copyOf(factors);
  }

  /** One factor for each axis whose rate is not 1. */
  static GridMatrix of(GridFactor rates, AxisFactor factor) {
    var factors = new EnumMap<GridAxis, AxisMatrix>(GridAxis.class);
    for (GridAxis axis : GridAxis.values()) {
      if (rates.along(axis) > 1) {
        factors.put(axis, factor.along(axis));
      }
    }
    return new GridMatrix(factors);
  }

  /** Makes the factor of an axis. */
  @FunctionalInterface
  interface AxisFactor {
    AxisMatrix along(GridAxis axis);
  }

  /** The factor of an axis; empty for the identity. */
  Optional<AxisMatrix> along(GridAxis axis) {
    return Optional.ofNullable(factors.get(axis));
  }

  /** The factor of an axis of so many places. */
  AxisMatrix along(GridAxis axis, int places) {
    return along(axis).orElseGet(() -> AxisMatrix.identity(places));
  }

  /** The same without the factor of time. */
  GridMatrix ofSpace() {
    var others = new EnumMap<GridAxis, AxisMatrix>(GridAxis.class);
    others.putAll(factors);
    others.remove(GridAxis.TIME);
    return new GridMatrix(others);
  }

  /** The latents after all factors, values rounded once for each; {@code x} itself without one. */
  Latents apply(Latents x) {
    Latents result = x;
    for (GridAxis axis : GridAxis.values()) {
      if (factors.containsKey(axis)) {
        result = factors.get(axis).apply(result, axis);
      }
    }
    return result;
  }
}
