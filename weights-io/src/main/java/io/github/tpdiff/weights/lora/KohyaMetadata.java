package io.github.tpdiff.weights.lora;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * What kohya's trainers put into the header of a LoRA and programs that list LoRAs show: sd-scripts
 * for Stable Diffusion, musubi-tuner for Wan ({@code ss_*}), and Stability's model specification
 * 1.0.0 ({@code modelspec.*}). Without a date: the same weights make the same bytes.
 */
final class KohyaMetadata {

  /** How the trainers name a base model, and what trains LoRA and LoKr of it. */
  private record Base(
      String module,
      String kronecker,
      String version,
      String architecture,
      String implementation) {}

  /** Those that the trainers train. */
  private static final Map<LoraNetwork, Base> BASES =
      Map.of(
          LoraNetwork.WAN,
          new Base(
              "networks.lora_wan",
              "networks.lokr",
              "wan",
              "wan2.1/lora",
              "https://github.com/Wan-Video/Wan2.1"),
          LoraNetwork.STABLE_DIFFUSION,
          new Base(
              "networks.lora",
              "lycoris.kohya",
              "sd_v1",
              "stable-diffusion-v1/lora",
              "https://github.com/Stability-AI/generative-models"));

  private KohyaMetadata() {}

  /**
   * The entries for a LoRA.
   *
   * @param file that it is written to: its name without its ending is the title, unless the LoRA
   *     has a name
   */
  static Map<String, String> of(LoraWeights weights, Path file) {
    String title =
        weights
            .metadata()
            .getOrDefault(
                LoraWriter.NAME,
                String.valueOf(file.getFileName()).replaceFirst("\\.safetensors$", ""));
    Map<String, String> entries = new TreeMap<>();
    entries.put("ss_network_dim", one(weights, LayerChange::rank));
    entries.put("ss_network_alpha", one(weights, LayerChange::alpha));
    entries.put(LoraWriter.NAME, title);
    entries.put("modelspec.sai_model_spec", "1.0.0");
    entries.put("modelspec.title", title);
    LoraNetwork.of(weights)
        .flatMap(network -> Optional.ofNullable(BASES.get(network)))
        .ifPresent(
            base -> {
              entries.put("ss_network_module", module(weights, base));
              entries.put("ss_base_model_version", base.version());
              entries.put("modelspec.architecture", base.architecture());
              entries.put("modelspec.implementation", base.implementation());
            });
    return entries;
  }

  private static String module(LoraWeights weights, Base base) {
    return weights.layers().values().stream().anyMatch(KroneckerPair.class::isInstance)
        ? base.kronecker()
        : base.module();
  }

  /** What all layers share; {@code Dynamic} where they differ, as in kohya's resized LoRAs. */
  private static String one(LoraWeights weights, Function<LayerChange, Number> property) {
    Set<String> values = new TreeSet<>();
    weights.layers().values().forEach(own -> values.add(property.apply(own).toString()));
    return values.size() == 1 ? values.iterator().next() : "Dynamic";
  }
}
