package io.github.tpdiff.weights.lora;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a reader of a form may do otherwise; among it, where diffusers refuses a LoRA of Wan in
 * another tool's form, as its converters read them (diffusers 0.42, {@code
 * lora_conversion_utils.py}).
 */
final class LoraCautions {

  private static final Pattern BLOCK = Pattern.compile("blocks\\.(\\d{1,6})\\.(.*)");
  private static final List<String> ALL =
      List.of(
          "attn1.to_q",
          "attn1.to_k",
          "attn1.to_v",
          "attn1.to_out.0",
          "attn2.to_q",
          "attn2.to_k",
          "attn2.to_v",
          "attn2.to_out.0",
          "ffn.net.0.proj",
          "ffn.net.2");
  private static final List<String> IMAGE = List.of("attn2.add_k_proj", "attn2.add_v_proj");

  private final Set<String> modules;
  private final Set<Integer> blocks = new TreeSet<>();
  private final Set<String> outside = new TreeSet<>();
  private final boolean image;

  private LoraCautions(Set<String> modules) {
    this.modules = modules;
    for (String module : modules) {
      Matcher block = BLOCK.matcher(module);
      if (block.matches()) {
        blocks.add(Integer.valueOf(block.group(1)));
      } else {
        outside.add(module);
      }
    }
    image = IMAGE.stream().allMatch(layer -> modules.stream().anyMatch(m -> m.endsWith(layer)));
  }

  /** One line for each thing that makes it fail. */
  static List<String> of(LoraWeights weights, LoraFormat format) {
    Optional<LoraNetwork> network = LoraNetwork.of(weights);
    boolean ofATool = format == LoraFormat.KOHYA || format == LoraFormat.COMFYUI;
    if (ofATool && network.equals(Optional.of(LoraNetwork.MINIFLUX))) {
      return List.of(
          "no tool of the form %s is known to run miniFLUX; its layers have their published names"
              .formatted(format));
    }
    List<String> all = new ArrayList<>(ofKinds(weights, ofATool));
    if (network.equals(Optional.of(LoraNetwork.WAN))) {
      LoraCautions cautions = new LoraCautions(weights.layers().keySet());
      switch (format) {
        case KOHYA -> all.addAll(cautions.kohya());
        case COMFYUI -> all.addAll(cautions.comfyUi(weights.layers()));
        default -> {}
      }
    }
    return all;
  }

  /** What tools make of DoRA and LoKr. */
  private static List<String> ofKinds(LoraWeights weights, boolean ofATool) {
    List<String> cautions = new ArrayList<>();
    if (ofATool && weights.layers().values().stream().anyMatch(DoraPair.class::isInstance)) {
      cautions.add(
          "ComfyUI divides a DoRA's magnitudes by norms of the unchanged weights (its pull request 15458), diffusers leaves them out; merge it for the same result");
    }
    if (weights.layers().values().stream().anyMatch(KroneckerPair.class::isInstance)) {
      cautions.add(
          ofATool
              ? "diffusers takes a LoKr in the form diffusers alone"
              : "diffusers takes a LoKr by load_lora_adapter of the network, not by load_lora_weights of most pipelines");
    }
    return cautions;
  }

  /** It takes every layer of as many blocks as there are, from the first on, and nothing else. */
  private List<String> kohya() {
    List<String> cautions = new ArrayList<>();
    Set<String> missing = new TreeSet<>();
    for (int block = 0; block < blocks.size(); block++) {
      for (String layer : ALL) {
        missing.add("blocks." + block + "." + layer);
      }
      if (image) {
        for (String layer : IMAGE) {
          missing.add("blocks." + block + "." + layer);
        }
      }
    }
    Set<String> more = new TreeSet<>(modules);
    more.removeAll(missing);
    missing.removeAll(modules);
    if (!missing.isEmpty()) {
      cautions.add(
          "diffusers expects kohya files to hold every layer of every block; %d are missing, such as %s"
              .formatted(missing.size(), missing.iterator().next()));
    }
    if (!more.isEmpty()) {
      cautions.add(
          "diffusers refuses kohya files with other layers; %d are here, such as %s"
              .formatted(more.size(), more.iterator().next()));
    }
    return cautions;
  }

  private List<String> comfyUi(Map<String, LayerChange> layers) {
    List<String> cautions = new ArrayList<>();
    if (blocks.isEmpty()) {
      cautions.add("diffusers refuses files in ComfyUI's form without a layer of a block");
    }
    outside.stream()
        .filter(module -> layers.containsKey(module) && layers.get(module).scale() != 1)
        .findFirst()
        .ifPresent(
            module ->
                cautions.add(
                    "diffusers refuses an alpha outside the blocks, such as of "
                        + module
                        + "; write the form diffusers for it"));
    if (!image) {
      modules.stream()
          .filter(module -> IMAGE.stream().anyMatch(module::endsWith))
          .findFirst()
          .ifPresent(
              module ->
                  cautions.add(
                      "diffusers refuses one of add_k_proj and add_v_proj without the other: "
                          + module));
    }
    return cautions;
  }
}
