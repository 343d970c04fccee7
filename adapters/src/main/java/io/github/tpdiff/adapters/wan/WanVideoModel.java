package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.ClipVisionModel;
import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.adapters.T5Encoder;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.Tokenizers;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
    Optional<WanTransformerConfig> transformer = transformers(folder, components);
    if (transformer.isEmpty() || transformer.get().image().isPresent()) {
      folder
          .find(WanComponent.IMAGE_ENCODER)
          .ifPresent(
              found ->
                  components.putAll(
                      WanComponents.openImageEncoder(
                          found, transformer.flatMap(WanTransformerConfig::image))));
    }
    ModelDescription.Latents latents =
        folder
            .find(WanComponent.VAE)
            .map(WanComponents::openVae)
            .map(
                vae -> {
                  components.putAll(vae.components());
                  transformer.ifPresent(one -> requireLatents(folder, one, vae.latents()));
                  return vae.latents();
                })
            .orElseGet(() -> WanComponents.latents(published(transformer)));
    if (components.isEmpty()) {
      throw new CheckpointException(
          folder.root()
              + ": expected a Wan checkpoint with at least one of transformer, vae, text_encoder,"
              + " or the authors' files; found none");
    }
    Optional<Double> boundary = folder.boundaryRatio();
    boolean two = boundary.isPresent() || components.containsKey(WanFlow.TRANSFORMER_2);
    WanVariant variant = WanVariant.of(transformer, two);
    var description =
        new ModelDescription(
            WanFamily.NAME,
            WanFlow.of(
                components,
                folder.textLength(),
                two ? variant.two(boundary) : WanVariant.one(),
                variant.pictures(
                    folder.isOriginal(), folder.imageProcessor(pictureSide(components)))),
            latents,
            TargetScale.GLOBAL,
            folder.scheduler(variant),
            variant.schedulers(),
            ModelDescription.Defaults.at(folder.root(), variant.defaults()));
    long embeddings = ModelFlows.embeddings(components, WanFlow.TEXT_ENCODER, T5Encoder.TOKENS);
    return VideoModel.of(
        description,
        components.values(),
        new Tokenizers(
            Map.of(WanFlow.TOKENIZER, new Tokenizers.Files(folder.tokenizer(), embeddings))),
        WanDefaults.LORA_TARGETS);
  }

  /** The autoencoder of the published models, where its files are elsewhere. */
  private static WanVaeConfig published(Optional<WanTransformerConfig> transformer) {
    int channels =
        transformer
            .map(WanTransformerConfig::outChannels)
            .orElse(WanVaeConfig.PUBLISHED.latentChannels());
    return channels == WanVaeConfig.PUBLISHED_RESIDUAL.latentChannels()
        ? WanVaeConfig.PUBLISHED_RESIDUAL
        : WanVaeConfig.PUBLISHED;
  }

  /**
   * Opens the transformers that are there.
   *
   * @return their sizes, if there is any
   * @throws CheckpointException if two are not told the same
   */
  private static Optional<WanTransformerConfig> transformers(
      WanFolder folder, Map<String, Component> components) {
    Optional<WanTransformerConfig> first = Optional.empty();
    for (var component : List.of(WanComponent.TRANSFORMER, WanComponent.TRANSFORMER_2)) {
      Optional<WanFolder.Found> found = folder.find(component);
      if (found.isPresent()) {
        var opened = WanComponents.openTransformer(found.get(), component);
        components.putAll(opened.components());
        first.ifPresent(other -> requireSame(found.get(), other, opened.config()));
        first = first.or(() -> Optional.of(opened.config()));
      }
    }
    return first;
  }

  /** The side of the pictures that the image encoder takes, if it is there. */
  private static Optional<Integer> pictureSide(Map<String, Component> components) {
    return Optional.ofNullable(components.get(WanFlow.IMAGE_ENCODER))
        .map(encoder -> encoder.program().inputs().get(ClipVisionModel.PIXELS))
        .map(pixels -> Math.toIntExact(pixels.dim(3).value()));
  }

  private static void requireLatents(
      WanFolder folder, WanTransformerConfig transformer, ModelDescription.Latents latents) {
    if (transformer.outChannels() != latents.channels()) {
      throw folder
          .find(WanComponent.TRANSFORMER)
          .orElseGet(() -> folder.require(WanComponent.TRANSFORMER_2))
          .config()
          .wrong(
              "out_channels",
              latents.channels() + ", the z_dim of the vae beside it",
              transformer.outChannels());
    }
  }

  private static void requireSame(
      WanFolder.Found found, WanTransformerConfig first, WanTransformerConfig second) {
    if (!first.toldSame(second)) {
      throw found
          .config()
          .wrong(
              "in_channels, out_channels, text_dim, image_dim",
              "those of the first transformer, %s".formatted(first.told()),
              second.told());
    }
  }
}
