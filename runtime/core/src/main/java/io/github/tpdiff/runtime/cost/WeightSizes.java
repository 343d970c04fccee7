package io.github.tpdiff.runtime.cost;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.ScaledCodes;
import io.github.tpdiff.weights.TensorSource;

/** How many bytes a weight takes where it is stored. */
@FunctionalInterface
public interface WeightSizes {
  /** Bytes of the tensor {@code name} of {@code elements} elements. */
  long bytes(String name, long elements);

  /** Every weight in {@code dtype}. */
  static WeightSizes all(DType dtype) {
    return (name, elements) -> Math.multiplyExact(elements, (long) dtype.bytes());
  }

  /**
   * As they lie in a checkpoint.
   *
   * @throws io.github.tpdiff.weights.CheckpointException from {@link #bytes}, if a tensor is
   *     missing
   */
  static WeightSizes of(TensorSource checkpoint) {
    return (name, elements) -> checkpoint.require(name).byteCount();
  }

  /**
   * The same, what is stored in eight bits with its scales: as an engine holds it that reads these.
   */
  static WeightSizes held(TensorSource checkpoint) {
    return (name, elements) ->
        checkpoint
            .scaled(name)
            .map(ScaledCodes::byteCount)
            .orElseGet(() -> checkpoint.require(name).byteCount());
  }
}
