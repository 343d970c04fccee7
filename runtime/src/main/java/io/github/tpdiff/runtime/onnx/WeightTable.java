package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Checks that a checkpoint holds what a program reads, before anything is lowered. */
final class WeightTable {
  private WeightTable() {}

  /**
   * The program's weights as they are in {@code source}.
   *
   * @throws CheckpointException naming file and tensor, if one is missing, misshapen or not of a
   *     floating type
   */
  static Map<String, TensorInfo> check(Program program, TensorSource source) {
    var infos = new LinkedHashMap<String, TensorInfo>();
    program.weights().forEach((name, value) -> infos.put(name, check(name, value, source)));
    return infos;
  }

  private static TensorInfo check(String name, Value value, TensorSource source) {
    TensorInfo info = source.require(name);
    List<Long> expected = value.shape().dims().stream().map(dim -> dim.value()).toList();
    if (!info.shape().equals(expected)) {
      throw new CheckpointException(
          "%s: tensor '%s': expected shape %s, found %s"
              .formatted(source.origin(), name, expected, info.shape()));
    }
    if (!info.dtype().isFloating()) {
      throw new CheckpointException(
          "%s: tensor '%s': expected a floating type, found %s"
              .formatted(source.origin(), name, info.dtype()));
    }
    return info;
  }
}
