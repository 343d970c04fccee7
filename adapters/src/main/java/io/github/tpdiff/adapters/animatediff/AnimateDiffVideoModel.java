package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.ClipTextConfig;
import io.github.tpdiff.adapters.ClipTextModel;
import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.Tokenizers;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.layout.Network;
import java.util.LinkedHashMap;
import java.util.Map;

/** Opens a folder. */
final class AnimateDiffVideoModel {
  private AnimateDiffVideoModel() {}

  static VideoModel open(AnimateDiffFolder folder) {
    var components = new LinkedHashMap<String, Component>();
    try {
      return open(folder, components);
    } catch (RuntimeException failure) {
      components.values().forEach(component -> component.weights().close());
      throw failure;
    }
  }

  private static VideoModel open(AnimateDiffFolder folder, Map<String, Component> components) {
    folder
        .find(Network.CLIP_TEXT_ENCODER)
        .map(found -> StableDiffusionParts.openTextEncoder(found.checkpoint()))
        .ifPresent(components::putAll);
    ModelDescription.Latents ofVae =
        folder
            .find(Network.SD_VAE)
            .map(found -> StableDiffusionParts.openVae(found.checkpoint()))
            .map(
                vae -> {
                  components.putAll(vae.components());
                  return vae.latents();
                })
            .orElseGet(() -> StableDiffusionParts.latents(AutoencoderKlConfig.PUBLISHED));
    ModelDescription.Latents latents =
        folder
            .find(Network.SD_UNET)
            .map(
                unet ->
                    AnimateDiffComponents.open(
                        unet,
                        folder.find(Network.MOTION_ADAPTER),
                        motion -> folder.norms().map(motion::with).orElse(motion)))
            .map(
                network -> {
                  components.putAll(network.components());
                  return network.positions();
                })
            .map(ofVae::withMaxFrames)
            .orElse(ofVae);
    if (components.isEmpty()) {
      throw new CheckpointException(
          folder.root()
              + ": expected a Stable Diffusion 1.5 folder with at least one of unet, vae and"
              + " text_encoder, and a motion_adapter; found none");
    }
    var description =
        new ModelDescription(
            AnimateDiffFamily.NAME,
            AnimateDiffFlow.of(components, textLength(components)),
            latents,
            TargetScale.GLOBAL,
            folder.scheduler(),
            folder.schedulers(),
            ModelDescription.Defaults.at(folder.root(), AnimateDiffDefaults.GENERATION));
    long embeddings =
        ModelFlows.embeddings(components, AnimateDiffFlow.TEXT_ENCODER, ClipTextModel.TOKENS);
    return VideoModel.of(
        description,
        components.values(),
        new Tokenizers(
            Map.of(
                AnimateDiffFlow.TOKENIZER, new Tokenizers.Files(folder.tokenizer(), embeddings))),
        AnimateDiffDefaults.LORA_TARGETS);
  }

  private static int textLength(Map<String, Component> components) {
    Component encoder = components.get(AnimateDiffFlow.TEXT_ENCODER);
    return encoder == null
        ? ClipTextConfig.PUBLISHED.positions()
        : ClipTextModel.tokens(encoder.program());
  }
}
