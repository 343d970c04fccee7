package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Value;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Of how many segments the results of products are kept from the forward to the backward pass.
 *
 * @param bytes that they may take in one batch, asked before each
 */
record Keeping(LongSupplier bytes) {
  Budget budget() {
    return new Budget(bytes.getAsLong());
  }

  /** What is left for one batch. */
  static final class Budget {
    private long left;

    private Budget(long bytes) {
      this.left = bytes;
    }

    /** Whether the results of a segment's products may be kept, which are counted if so. */
    boolean allows(Graph segment, Collection<Value> products, Map<String, NDArray> inputs) {
      long bytes = bytes(segment, products, inputs);
      if (products.isEmpty() || bytes > left) {
        return false;
      }
      left -= bytes;
      return true;
    }

    private static long bytes(
        Graph segment, Collection<Value> products, Map<String, NDArray> inputs) {
      var shapes = new HashMap<String, long[]>();
      inputs.forEach((name, array) -> shapes.put(name, array.getShape().getShape()));
      Map<String, Long> sizes = segment.bind(shapes);
      long bytes = 0;
      for (Value product : products) {
        bytes += product.shape().elementCount().evaluate(sizes) * Float.BYTES;
      }
      return bytes;
    }
  }
}
