package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.layout.KeyMap;
import io.github.tpdiff.weights.layout.Network;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the name of a tensor in a LoRA file says.
 *
 * @param module the diffusers name
 */
record LoraKey(LoraFormat format, String component, String module, Part part) {

  /** The tensors that belong to one module. */
  enum Part {
    A,
    B,
    ALPHA
  }

  private record Suffix(String text, Part part) {}

  private static final List<Suffix> SUFFIXES =
      List.of(
          new Suffix(".lora_A.default.weight", Part.A),
          new Suffix(".lora_B.default.weight", Part.B),
          new Suffix(".lora_A.weight", Part.A),
          new Suffix(".lora_B.weight", Part.B),
          new Suffix(".lora_down.weight", Part.A),
          new Suffix(".lora_up.weight", Part.B),
          new Suffix(".lora.down.weight", Part.A),
          new Suffix(".lora.up.weight", Part.B),
          new Suffix("_lora.down.weight", Part.A),
          new Suffix("_lora.up.weight", Part.B),
          new Suffix(".alpha", Part.ALPHA));

  private static final Map<String, LoraFormat> PREFIXES =
      Map.of(
          "transformer.", LoraFormat.DIFFUSERS,
          "unet.", LoraFormat.DIFFUSERS,
          "base_model.model.", LoraFormat.PEFT,
          "diffusion_model.", LoraFormat.COMFYUI,
          "lora_unet_", LoraFormat.KOHYA,
          "lora_transformer_", LoraFormat.KOHYA);

  private static final KeyMap WAN = Network.WAN_TRANSFORMER.keys();

  /** Networks whose layers' names may come with underscores for dots. */
  private static final List<KeyMap> UNDERSCORED =
      List.of(WAN, Network.SD_UNET.keys(), Network.MINIFLUX_TRANSFORMER.keys());

  private static final Pattern UNET = Pattern.compile("(down_blocks|mid_block|up_blocks)\\..*");

  /** Reads a name; empty when it names nothing of a LoRA on a denoiser. */
  static Optional<LoraKey> parse(String name) {
    return SUFFIXES.stream()
        .filter(suffix -> name.endsWith(suffix.text()))
        .findFirst()
        .flatMap(
            suffix -> {
              String stem = name.substring(0, name.length() - suffix.text().length());
              String prefix =
                  PREFIXES.keySet().stream().filter(stem::startsWith).findFirst().orElse("");
              LoraFormat format = format(prefix, suffix.text());
              return module(format, stem.substring(prefix.length()))
                  .map(module -> new LoraKey(format, component(module), module, suffix.part()));
            });
  }

  private static LoraFormat format(String prefix, String suffix) {
    if (suffix.contains("lora.down") || suffix.contains("lora.up")) {
      return LoraFormat.DOWN_UP;
    }
    return PREFIXES.getOrDefault(prefix, LoraFormat.DIFFSYNTH);
  }

  private static String component(String module) {
    return UNET.matcher(module).matches() ? "unet" : "transformer";
  }

  /** The diffusers name; empty for text encoders and for underscored names of unknown models. */
  private static Optional<String> module(LoraFormat format, String name) {
    if (name.startsWith("text_encoder") || name.startsWith("lora_te")) {
      return Optional.empty();
    }
    return switch (format) {
      case KOHYA ->
          UNDERSCORED.stream()
              .flatMap(keys -> keys.underscoredToDiffusers(name).stream())
              .findFirst();
      case DOWN_UP -> Optional.of(attentionLayer(name));
      default -> WAN.toDiffusers(name).or(() -> Optional.of(name));
    };
  }

  /** AnimateDiff's own names put layers into processors and number the attentions. */
  private static String attentionLayer(String name) {
    String layer =
        name.replace(".temporal_transformer.", ".")
            .replace(".attention_blocks.0.", ".attn1.")
            .replace(".attention_blocks.1.", ".attn2.")
            .replace(".processor.", ".");
    return layer.endsWith(".to_out") ? layer + ".0" : layer;
  }
}
