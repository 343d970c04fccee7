package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.adapters.T5Encoder;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.Tokenizers;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import java.util.LinkedHashMap;
import java.util.Map;

/** Opens a Wan folder. */
final class WanVideoModel {
  private WanVideoModel() {}

  static VideoModel open(WanFolder folder) {
    var components = new LinkedHashMap<String, Component>();
    try {
      return open(folder, components);
    } catch (RuntimeException failure) {
      components.values().forEach(component -> component.weights().close());
      throw failure;
    }
  }

  private static VideoModel open(WanFolder folder, Map<String, Component> components) {
    folder
        .find(WanComponent.TEXT_ENCODER)
        .ifPresent(found -> components.putAll(WanComponents.openTextEncoder(found)));
    folder
        .find(WanComponent.TRANSFORMER)
        .ifPresent(found -> components.putAll(WanComponents.openTransformer(found).components()));
    ModelDescription.Latents latents =
        folder
            .find(WanComponent.VAE)
            .map(WanComponents::openVae)
            .map(
                vae -> {
                  components.putAll(vae.components());
                  return vae.latents();
                })
            .orElseGet(() -> WanComponents.latents(WanVaeConfig.PUBLISHED));
    if (components.isEmpty()) {
      throw new CheckpointException(
          folder.root()
              + ": expected a Wan checkpoint with at least one of transformer, vae, text_encoder,"
              + " or the authors' files; found none");
    }
    var description =
        new ModelDescription(
            WanFamily.NAME,
            WanFlow.of(components, folder.textLength()),
            latents,
            TargetScale.GLOBAL,
            folder.scheduler(),
            WanDefaults.SCHEDULERS,
            ModelDescription.Defaults.at(folder.root(), WanDefaults.GENERATION));
    long embeddings = ModelFlows.embeddings(components, WanFlow.TEXT_ENCODER, T5Encoder.TOKENS);
    return VideoModel.of(
        description,
        components.values(),
        new Tokenizers(
            Map.of(WanFlow.TOKENIZER, new Tokenizers.Files(folder.tokenizer(), embeddings))),
        WanDefaults.LORA_TARGETS);
  }
}
