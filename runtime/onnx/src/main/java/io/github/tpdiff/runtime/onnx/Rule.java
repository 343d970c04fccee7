package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/** Writes the nodes of one operation. */
@FunctionalInterface
interface Rule {
  /**
   * Returns the name of the result.
   *
   * @param value the operation with its shapes
   * @param inputs names of its inputs
   */
  String write(Value value, List<String> inputs, SegmentCode code);
}
