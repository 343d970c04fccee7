package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.Chunk;
import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.adapters.T5Config;
import io.github.tpdiff.adapters.T5Encoder;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.weights.TensorSource;
import java.nio.file.Path;
import java.util.Map;
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
    return openTransformer(new WanFolder(path).require(WanComponent.TRANSFORMER)).components();
  }

  /**
   * Conditioning and denoiser for times of their own of all tokens, [batch, tokens] in the order of
   * frames, rows and columns; a picture's frames are among the latents.
   */
  public static Map<String, Component> openTransformerPerToken(Path path) {
    WanFolder.Found found = new WanFolder(path).require(WanComponent.TRANSFORMER);
    return openTransformer(found, config -> config.with(Timesteps.PER_TOKEN)).components();
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

  record Transformer(Map<String, Component> components, WanTransformerConfig config) {}

  static Transformer openTransformer(WanFolder.Found found) {
    return openTransformer(found, UnaryOperator.identity());
  }

  private static Transformer openTransformer(
      WanFolder.Found found, UnaryOperator<WanTransformerConfig> change) {
    return open(
        found,
        WanComponent.TRANSFORMER,
        weights -> {
          var config = change.apply(WanTransformerConfig.read(found.config(), weights));
          return new Transformer(ModelFlows.attach(transformer(config), weights), config);
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

  static Map<String, Program> transformer(WanTransformerConfig config) {
    var transformer = new WanTransformer(config);
    return Map.of(
        ComponentDescription.conditioning(WanFlow.TRANSFORMER),
        transformer.conditioning(),
        WanFlow.TRANSFORMER,
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
