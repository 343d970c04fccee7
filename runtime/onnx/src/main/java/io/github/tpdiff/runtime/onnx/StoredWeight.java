package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.weights.DType;

/**
 * How a weight is stored for a graph.
 *
 * @param dtype F32, F16 or BF16
 * @param location path of the file relative to the folder of the graph, with forward slashes
 * @param offset of the payload in the file
 * @param length of the payload in bytes
 */
record StoredWeight(DType dtype, String location, long offset, long length) {
  /** True if ONNX Runtime can take a tensor of this type as it lies. */
  static boolean isTakenAsIs(DType dtype) {
    return dtype == DType.F32 || dtype == DType.F16 || dtype == DType.BF16;
  }
}
