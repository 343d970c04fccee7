package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * What modules are called in a form of LoRA files.
 *
 * @param origin what asks for it, for messages
 * @param component {@code transformer} or {@code unet}
 * @param networks that the modules may be of, the likeliest first
 */
record LoraNaming(String origin, LoraFormat format, String component, List<LoraNetwork> networks) {
  LoraNaming {
    networks = List.copyOf(networks);
  }

  /** Names for these modules. */
  static LoraNaming of(
      String origin, LoraFormat format, String component, Collection<String> modules) {
    return new LoraNaming(origin, format, component, LoraNetwork.of(modules));
  }

  /**
   * The name that a module's tensors start with, from its diffusers name.
   *
   * @throws CheckpointException when the form has no name for it
   */
  String stem(String module) {
    return switch (format) {
      case DIFFUSERS -> component + "." + module;
      case PEFT -> "base_model.model." + module;
      case COMFYUI -> "diffusion_model." + name(module, LoraNetwork::comfyUi);
      case KOHYA -> "lora_unet_" + name(module, LoraNetwork::kohya).replace('.', '_');
      case DIFFSYNTH, DOWN_UP ->
          throw new CheckpointException(
              "%s: LoRA files of form %s are read, never written".formatted(origin, format));
    };
  }

  private String name(
      String module, BiFunction<LoraNetwork, String, Optional<String>> namesOfForm) {
    return networks.stream()
        .filter(network -> network.has(module))
        .findFirst()
        .flatMap(network -> namesOfForm.apply(network, module))
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: module '%s' has no name in the form %s; write it as DIFFUSERS or PEFT"
                        .formatted(origin, module, format)));
  }
}
