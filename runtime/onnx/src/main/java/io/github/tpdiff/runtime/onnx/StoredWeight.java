package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.weights.DType;
import java.util.Optional;

/**
 * How a weight is stored for a graph.
 *
 * @param dtype F32, F16 or BF16; of codes I8 or eight-bit floats
 * @param location path of the file relative to the folder of the graph, with forward slashes
 * @param offset of the payload in the file
 * @param length of the payload in bytes
 * @param scales of codes: F32, one for each row
 */
record StoredWeight(
    DType dtype, String location, long offset, long length, Optional<StoredWeight> scales) {

  /** Numbers that stand for themselves. */
  static StoredWeight plain(DType dtype, String location, long offset, long length) {
    return new StoredWeight(dtype, location, offset, length, Optional.empty());
  }

  StoredWeight withScales(StoredWeight own) {
    return new StoredWeight(dtype, location, offset, length, Optional.of(own));
  }

  /** True if ONNX Runtime can take a tensor of this type as it lies. */
  static boolean isTakenAsIs(DType dtype) {
    return dtype == DType.F32 || dtype == DType.F16 || dtype == DType.BF16;
  }
}
