package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What a case says about an image encoder in its authors' layout, which has no configuration:
 * {@code config}, as they name sizes.
 */
public final class ClipVisionArguments {
  private static final Map<String, String> FIELDS =
      Map.of(
          "dim", "hidden_size",
          "patch_size", "patch_size",
          "image_size", "image_size",
          "num_heads", "num_attention_heads",
          "num_layers", "num_hidden_layers");

  private ClipVisionArguments() {}

  /** By the names of a configuration file. */
  public static Map<String, Object> told(Arguments args) {
    Optional<Arguments> config = args.findGroup("config");
    if (config.isEmpty()) {
      return Map.of();
    }
    Arguments said = config.get();
    said.passOver("out_dim"); // of the projection, which nothing reads
    var told = new HashMap<String, Object>(Map.of("hidden_act", "gelu"));
    FIELDS.forEach(
        (name, field) -> said.findInteger(name).ifPresent(size -> told.put(field, size)));
    said.findNumber("mlp_ratio")
        .ifPresent(
            ratio -> told.put("intermediate_size", (int) Math.round(ratio * said.integer("dim"))));
    return told;
  }
}
