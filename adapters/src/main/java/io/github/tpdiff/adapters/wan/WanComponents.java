package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.Chunk;
import io.github.tpdiff.adapters.ClipVisionConfig;
import io.github.tpdiff.adapters.ClipVisionModel;
import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.adapters.T5Config;
import io.github.tpdiff.adapters.T5Encoder;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.weights.TensorSource;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * Opens single components. Each {@code path} is a checkpoint folder of either layout, the folder of
 * the component, or its file; what the configuration does not say follows from the tensors.
 *
 * <p>The components of one result share one {@link TensorSource}, which the caller closes. All
 * throw {@link io.github.tpdiff.weights.CheckpointException} if what is there cannot be used.
 */
public final class WanComponents {
  private WanComponents() {}

  /** Conditioning and denoiser. */
  public static Map<String, Component> openTransformer(Path path) {
    return openTransformer(path, UnaryOperator.identity());
  }

  /**
   * Conditioning and denoiser for times of their own of all tokens, [batch, tokens] in the order of
   * frames, rows and columns; a picture's frames are among the latents.
   */
  public static Map<String, Component> openTransformerPerToken(Path path) {
    return openTransformer(path, config -> config.with(Timesteps.PER_TOKEN));
  }

  private static Map<String, Component> openTransformer(
      Path path, UnaryOperator<WanTransformerConfig> change) {
    var component = WanComponent.TRANSFORMER;
    return openTransformer(new WanFolder(path).require(component), component, change).components();
  }

  /** The text encoder. */
  public static Map<String, Component> openTextEncoder(Path path) {
    return openTextEncoder(new WanFolder(path).require(WanComponent.TEXT_ENCODER));
  }

  /** The four programs of the autoencoder. */
  public static Vae openVae(Path path) {
    return openVae(path, Map.of());
  }

  /**
   * The same where more is known than the files say.
   *
   * @param told fields of the configuration, such as {@code latents_mean}
   */
  public static Vae openVae(Path path, Map<String, ?> told) {
    WanFolder.Found found = new WanFolder(path).require(WanComponent.VAE);
    return openVae(new WanFolder.Found(found.checkpoint(), found.config().with(told)));
  }

  /**
   * An opened autoencoder.
   *
   * @param components encoder and decoder, for first and following chunks
   * @param latents geometry and scaling
   */
  public record Vae(Map<String, Component> components, ModelDescription.Latents latents) {}

  /**
   * The image encoder, for one picture of a clip.
   *
   * @param told fields of the configuration, such as {@code num_attention_heads}, which the
   *     authors' file does not tell
   */
  public static Map<String, Component> openImageEncoder(Path path, Map<String, ?> told) {
    WanFolder.Found found = new WanFolder(path).require(WanComponent.IMAGE_ENCODER);
    ConfigFile config = found.config().with(told);
    return openImageEncoder(new WanFolder.Found(found.checkpoint(), config), Optional.empty());
  }

  record Transformer(Map<String, Component> components, WanTransformerConfig config) {}

  /** One of a model's transformers, as the component of that name. */
  static Transformer openTransformer(WanFolder.Found found, WanComponent component) {
    return openTransformer(found, component, UnaryOperator.identity());
  }

  private static Transformer openTransformer(
      WanFolder.Found found, WanComponent component, UnaryOperator<WanTransformerConfig> change) {
    return open(
        found,
        component,
        weights -> {
          var config = change.apply(WanTransformerConfig.read(found.config(), weights));
          var programs = transformer(component.folder(), config);
          return new Transformer(ModelFlows.attach(programs, weights), config);
        });
  }

  static Map<String, Component> openTextEncoder(WanFolder.Found found) {
    return open(
        found,
        WanComponent.TEXT_ENCODER,
        weights -> ModelFlows.attach(textEncoder(T5Config.read(found.config(), weights)), weights));
  }

  static Vae openVae(WanFolder.Found found) {
    return open(
        found,
        WanComponent.VAE,
        weights -> {
          var config = WanVaeConfig.read(found.config(), weights);
          return new Vae(ModelFlows.attach(vae(config), weights), latents(config));
        });
  }

  private static <T> T open(
      WanFolder.Found found, WanComponent component, Function<TensorSource, T> use) {
    TensorSource weights = found.open(component);
    try {
      return found.config().checked(() -> use.apply(weights));
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  /**
   * The image encoder of a transformer, for as many pictures of a clip as that has rows for.
   *
   * @param branch of the transformer, if it is there
   */
  static Map<String, Component> openImageEncoder(
      WanFolder.Found found, Optional<WanTransformerConfig.ImageBranch> branch) {
    return open(
        found,
        WanComponent.IMAGE_ENCODER,
        weights -> {
          ConfigFile own = found.config();
          ConfigFile config = own.fields().isEmpty() ? own.with(ClipVisionConfig.ORIGINAL) : own;
          var sizes = ClipVisionConfig.read(config, weights);
          branch.ifPresent(one -> requireFits(config, sizes, one));
          int pictures = branch.flatMap(one -> one.positions()).map(all -> 2).orElse(1);
          Program program = new ClipVisionModel(sizes).program(pictures);
          return ModelFlows.attach(Map.of(WanFlow.IMAGE_ENCODER, program), weights);
        });
  }

  private static void requireFits(
      ConfigFile config, ClipVisionConfig sizes, WanTransformerConfig.ImageBranch branch) {
    if (sizes.width() != branch.dim()) {
      throw config.wrong(
          "hidden_size", branch.dim() + ", the transformer's image_dim", sizes.width());
    }
    branch
        .positions()
        .filter(rows -> rows != 2 * sizes.rows())
        .ifPresent(
            rows -> {
              throw config.wrong(
                  "image_size",
                  "one of %s rows for two pictures, as the transformer has it".formatted(rows),
                  "%d of %d rows".formatted(sizes.imageSize(), 2 * sizes.rows()));
            });
  }

  static Map<String, Program> transformer(String name, WanTransformerConfig config) {
    var transformer = new WanTransformer(config);
    return Map.of(
        ComponentDescription.conditioning(name),
        transformer.conditioning(),
        name,
        transformer.denoiser());
  }

  static Map<String, Program> textEncoder(T5Config config) {
    return Map.of(WanFlow.TEXT_ENCODER, new T5Encoder(config).program());
  }

  static Map<String, Program> vae(WanVaeConfig config) {
    var vae = new WanVae(config);
    return Map.of(
        ComponentDescription.first(ComponentDescription.VAE_ENCODER),
        vae.encoder(Chunk.FIRST),
        ComponentDescription.VAE_ENCODER,
        vae.encoder(Chunk.NEXT),
        ComponentDescription.first(ComponentDescription.VAE_DECODER),
        vae.decoder(Chunk.FIRST),
        ComponentDescription.VAE_DECODER,
        vae.decoder(Chunk.NEXT));
  }

  /** Geometry and scaling; sizes in pixels must fill the transformer's 2×2 patches. */
  static ModelDescription.Latents latents(WanVaeConfig config) {
    return new ModelDescription.Latents(
        config.latentChannels(),
        config.spatialFactor(),
        config.temporalFactor(),
        true,
        WanDefaults.MAX_FRAMES,
        2 * config.spatialFactor(),
        config.latentsMean(),
        config.latentsStd());
  }
}
