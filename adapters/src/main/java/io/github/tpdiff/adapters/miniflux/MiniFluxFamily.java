package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.ClipTextConfig;
import io.github.tpdiff.adapters.ClipTextModel;
import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.adapters.T5Encoder;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.Tokenizers;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Pyramid-Flow's miniFLUX as published (rain1011/pyramid-flow-miniflux), denoising a whole clip at
 * once; its own autoregressive sampling over spatial stages is not done here.
 */
public final class MiniFluxFamily implements ModelFamily {
  static final String NAME = "miniflux";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public boolean recognises(Path path) {
    return Files.exists(path) && new MiniFluxFolder(ModelRequest.of(path)).isMiniFlux();
  }

  @Override
  public List<String> parts() {
    return MiniFluxFolder.PARTS;
  }

  @Override
  public Map<String, List<String>> settings() {
    return MiniFluxFolder.SETTINGS;
  }

  @Override
  public Map<String, CheckpointTemplate> templates() {
    return MiniFluxTemplates.all();
  }

  @Override
  public VideoModel load(ModelRequest request) {
    var components = new LinkedHashMap<String, Component>();
    try {
      return open(new MiniFluxFolder(request), components);
    } catch (RuntimeException failure) {
      components.values().forEach(component -> component.weights().close());
      throw failure;
    }
  }

  private static VideoModel open(MiniFluxFolder folder, Map<String, Component> components) {
    folder
        .textEncoder(MiniFluxFlow.CLIP)
        .map(MiniFluxComponents::openPooledTextEncoder)
        .ifPresent(clip -> components.put(clip.name(), clip));
    folder
        .textEncoder(MiniFluxFlow.T5)
        .map(MiniFluxComponents::openTextEncoder)
        .ifPresent(t5 -> components.put(t5.name(), t5));
    folder
        .transformer()
        .map(path -> MiniFluxComponents.openTransformer(path, folder.attention()))
        .ifPresent(components::putAll);
    ModelDescription.Latents latents =
        folder
            .vae()
            .map(MiniFluxComponents::openVae)
            .map(
                vae -> {
                  components.putAll(vae.components());
                  return vae.latents();
                })
            .orElseGet(() -> MiniFluxComponents.latents(CausalVideoVaeConfig.PUBLISHED));
    if (components.isEmpty()) {
      throw new CheckpointException(
          folder.root()
              + ": expected miniFLUX with at least one of diffusion_transformer_384p,"
              + " causal_video_vae, text_encoder and text_encoder_2; found none");
    }
    return VideoModel.of(
        new ModelDescription(
            NAME,
            MiniFluxFlow.of(components, clipLength(components)),
            latents,
            TargetScale.STAGE,
            MiniFluxDefaults.SCHEDULER,
            MiniFluxDefaults.SCHEDULERS,
            ModelDescription.Defaults.at(folder.root(), MiniFluxDefaults.GENERATION)),
        components.values(),
        tokenizers(folder, components),
        MiniFluxDefaults.LORA_TARGETS);
  }

  private static int clipLength(Map<String, Component> components) {
    Component clip = components.get(MiniFluxFlow.CLIP);
    return clip == null
        ? ClipTextConfig.PUBLISHED.positions()
        : ClipTextModel.tokens(clip.program());
  }

  private static Tokenizers tokenizers(MiniFluxFolder folder, Map<String, Component> components) {
    return new Tokenizers(
        Map.of(
            MiniFluxFlow.CLIP_TOKENIZER,
            new Tokenizers.Files(
                folder.tokenizer(MiniFluxFlow.CLIP_TOKENIZER),
                ModelFlows.embeddings(components, MiniFluxFlow.CLIP, ClipTextModel.TOKENS)),
            MiniFluxFlow.T5_TOKENIZER,
            new Tokenizers.Files(
                folder.tokenizer(MiniFluxFlow.T5_TOKENIZER),
                ModelFlows.embeddings(components, MiniFluxFlow.T5, T5Encoder.TOKENS))));
  }
}
