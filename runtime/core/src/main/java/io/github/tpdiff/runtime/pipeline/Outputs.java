package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Map;
import java.util.Optional;

/** What an executable gave back. */
final class Outputs {
  private Outputs() {}

  static Tensor require(Map<String, Tensor> outputs, String name, Role role) {
    return Optional.ofNullable(outputs.get(name))
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: expected an output %s, found %s"
                        .formatted(role.label(), name, outputs.keySet())));
  }
}
