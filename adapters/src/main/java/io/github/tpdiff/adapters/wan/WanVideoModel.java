package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.PromptTokenizer;
import io.github.tpdiff.adapters.T5Encoder;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.runtime.text.Tokenizer;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An opened Wan folder. */
final class WanVideoModel implements VideoModel {
  private final WanFolder folder;
  private final Map<Role, Component> components = new EnumMap<>(Role.class);
  private PipelineDescription.Latents latents = WanComponents.latents(WanVaeConfig.PUBLISHED);
  private Optional<Tokenizer> tokenizer = Optional.empty();

  private WanVideoModel(WanFolder folder) {
    this.folder = folder;
  }

  static WanVideoModel open(WanFolder folder) {
    var model = new WanVideoModel(folder);
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
        .find(WanComponent.TEXT_ENCODER)
        .ifPresent(found -> components.putAll(WanComponents.openTextEncoder(found)));
    folder
        .find(WanComponent.TRANSFORMER)
        .ifPresent(found -> components.putAll(WanComponents.openTransformer(found).components()));
    folder
        .find(WanComponent.VAE)
        .map(WanComponents::openVae)
        .ifPresent(
            vae -> {
              components.putAll(vae.components());
              latents = vae.latents();
            });
    if (components.isEmpty()) {
      throw new CheckpointException(
          folder.root()
              + ": expected a Wan checkpoint with at least one of transformer, vae, text_encoder,"
              + " or the authors' files; found none");
    }
  }

  @Override
  public PipelineDescription description() {
    return new PipelineDescription(
        WanFamily.NAME,
        "transformer",
        latents,
        new PipelineDescription.Text(folder.textLength(), PipelineDescription.Cleaning.WHITESPACE),
        folder.scheduler(),
        WanDefaults.SCHEDULERS,
        PipelineDescription.Defaults.at(folder.root(), WanDefaults.GENERATION));
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
                  T5Encoder.TOKENS));
    }
    return tokenizer.orElseThrow();
  }

  @Override
  public Path tokenizerFolder() {
    return folder.tokenizer();
  }

  @Override
  public List<String> defaultLoraTargets() {
    return WanDefaults.LORA_TARGETS;
  }

  @Override
  public synchronized void close() {
    components.values().stream()
        .map(Component::weights)
        .distinct()
        .forEach(io.github.tpdiff.weights.TensorSource::close);
    tokenizer.ifPresent(Tokenizer::close);
    tokenizer = Optional.empty();
  }
}
