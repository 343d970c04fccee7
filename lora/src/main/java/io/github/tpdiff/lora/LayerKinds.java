package io.github.tpdiff.lora;

import io.github.tpdiff.weights.lora.LayerChange;
import io.github.tpdiff.weights.lora.TensorChange;

/** Finds the kind of change that a layer is to have. */
final class LayerKinds {
  private LayerKinds() {}

  /**
   * A layer's change of a kind.
   *
   * @param module for the message
   * @throws IllegalArgumentException if it has none or one of another kind
   */
  static <T extends LayerChange> T require(TensorChange change, Class<T> kind, String module) {
    return change
        .layer()
        .filter(kind::isInstance)
        .map(kind::cast)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "LoRA module '%s': expected a %s, found %s"
                        .formatted(
                            module,
                            kind.getSimpleName(),
                            change.layer().map(LayerChange::kind).orElse("none"))));
  }
}
