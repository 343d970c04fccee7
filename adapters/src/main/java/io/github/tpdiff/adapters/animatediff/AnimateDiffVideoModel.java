package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.ClipTextConfig;
import io.github.tpdiff.adapters.ClipTextModel;
import io.github.tpdiff.adapters.PromptTokenizer;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.runtime.text.Tokenizer;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Network;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An opened folder. */
final class AnimateDiffVideoModel implements VideoModel {
  private final AnimateDiffFolder folder;
  private final Map<Role, Component> components = new EnumMap<>(Role.class);
  private PipelineDescription.Latents latents =
      AutoencoderKlConfig.PUBLISHED.latents(MotionConfig.PUBLISHED.positions());
  private Optional<Tokenizer> tokenizer = Optional.empty();

  private AnimateDiffVideoModel(AnimateDiffFolder folder) {
    this.folder = folder;
  }

  static AnimateDiffVideoModel open(AnimateDiffFolder folder) {
    var model = new AnimateDiffVideoModel(folder);
    try {
      model.openAll();
      return model;
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }

  private void openAll() {
    folder
        .find(Network.CLIP_TEXT_ENCODER)
        .map(found -> StableDiffusionParts.openTextEncoder(found.checkpoint()))
        .ifPresent(components::putAll);
    folder
        .find(Network.SD_VAE)
        .map(found -> StableDiffusionParts.openVae(found.checkpoint()))
        .ifPresent(
            vae -> {
              components.putAll(vae.components());
              latents = vae.latents();
            });
    folder
        .find(Network.SD_UNET)
        .map(
            unet ->
                AnimateDiffComponents.open(
                    unet,
                    folder.find(Network.MOTION_ADAPTER),
                    motion -> folder.norms().map(motion::with).orElse(motion)))
        .ifPresent(
            network -> {
              components.putAll(network.components());
              latents = latents.withMaxFrames(network.positions());
            });
    if (components.isEmpty()) {
      throw new CheckpointException(
          folder.root()
              + ": expected a Stable Diffusion 1.5 folder with at least one of unet, vae and"
              + " text_encoder, and a motion_adapter; found none");
    }
  }

  @Override
  public PipelineDescription description() {
    return new PipelineDescription(
        AnimateDiffFamily.NAME,
        "unet",
        latents,
        new PipelineDescription.Text(textLength(), PipelineDescription.Cleaning.NONE),
        folder.scheduler(),
        AnimateDiffDefaults.SCHEDULERS,
        PipelineDescription.Defaults.at(folder.root(), AnimateDiffDefaults.GENERATION));
  }

  private int textLength() {
    Component encoder = components.get(Role.TEXT_ENCODER);
    return encoder == null
        ? ClipTextConfig.PUBLISHED.positions()
        : ClipTextModel.tokens(encoder.program());
  }

  @Override
  public Map<Role, Component> components() {
    return Collections.unmodifiableMap(components);
  }

  @Override
  public synchronized Tokenizer tokenizer() {
    if (tokenizer.isEmpty()) {
      tokenizer =
          Optional.of(
              PromptTokenizer.open(
                  tokenizerFolder(),
                  Optional.ofNullable(components.get(Role.TEXT_ENCODER)),
                  ClipTextModel.TOKENS));
    }
    return tokenizer.orElseThrow();
  }

  @Override
  public Path tokenizerFolder() {
    return folder.tokenizer();
  }

  @Override
  public List<String> defaultLoraTargets() {
    return AnimateDiffDefaults.LORA_TARGETS;
  }

  @Override
  public synchronized void close() {
    components.values().stream().map(Component::weights).distinct().forEach(TensorSource::close);
    tokenizer.ifPresent(Tokenizer::close);
    tokenizer = Optional.empty();
  }
}
