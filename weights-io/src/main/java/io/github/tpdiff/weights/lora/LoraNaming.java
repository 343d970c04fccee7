package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.layout.Network;

/**
 * What modules are called in a form of LoRA files.
 *
 * @param origin what asks for it, for messages
 * @param component {@code transformer} or {@code unet}
 */
record LoraNaming(String origin, LoraFormat format, String component) {

  /**
   * The name that a module's tensors start with, from its diffusers name.
   *
   * @throws CheckpointException when the form has no name for it
   */
  String stem(String module) {
    return switch (format) {
      case DIFFUSERS -> component + "." + module;
      case PEFT -> "base_model.model." + module;
      case COMFYUI -> "diffusion_model." + original(module);
      case KOHYA -> "lora_unet_" + kohya(module).replace('.', '_');
      case DIFFSYNTH, DOWN_UP ->
          throw new CheckpointException(
              "%s: LoRA files of form %s are read, never written".formatted(origin, format));
    };
  }

  /** Kohya's tools name the layers of Stable Diffusion as diffusers does, those of Wan do not. */
  private String kohya(String module) {
    boolean stableDiffusion =
        component.equals("unet") && Network.SD_UNET.keys().toOriginal(module).isPresent();
    return stableDiffusion ? module : original(module);
  }

  private String original(String module) {
    return Network.WAN_TRANSFORMER
        .keys()
        .toOriginal(module)
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: module '%s' has no name in the form %s; write it as DIFFUSERS or PEFT"
                        .formatted(origin, module, format)));
  }
}
