package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/** One chunk through the autoencoder on the reference engine. */
final class Codec {
  private static final String NEXT = ".next";

  private Codec() {}

  static Map<String, Tensor> encode(
      WanComponents.Vae vae, String component, Map<String, Tensor> before, Tensor frames) {
    return run(vae, component, before, Map.of("sample", frames));
  }

  static Map<String, Tensor> decode(
      WanComponents.Vae vae,
      String component,
      Map<String, Tensor> before,
      Map<String, Tensor> encoded) {
    Tensor latent = Objects.requireNonNull(encoded.get("latent_mean"));
    return run(vae, component, before, Map.of("latent_sample", latent));
  }

  /** Runs one chunk with the state that the chunk {@code before} left. */
  static Map<String, Tensor> run(
      WanComponents.Vae vae,
      String component,
      Map<String, Tensor> before,
      Map<String, Tensor> chunk) {
    var found = Objects.requireNonNull(vae.components().get(component));
    Map<String, Tensor> inputs = new HashMap<>(chunk);
    before.forEach(
        (name, value) -> {
          if (name.endsWith(NEXT)) {
            inputs.put(name.substring(0, name.length() - NEXT.length()), value);
          }
        });
    try (var engine = new ReferenceEngine();
        var executable = engine.load(found.program(), found.weights())) {
      return executable.run(inputs);
    }
  }
}
