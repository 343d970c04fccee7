package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.Chunk;
import io.github.tpdiff.adapters.T5Config;
import io.github.tpdiff.adapters.T5Encoder;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.weights.TensorSource;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Opens single components. Each {@code path} is a checkpoint folder of either layout, the folder of
 * the component, or its file; what the configuration does not say follows from the tensors.
 *
 * <p>The components of one result share one {@link TensorSource}, which the caller closes. All
 * throw {@link io.github.tpdiff.weights.CheckpointException} if what is there cannot be used.
 */
public final class WanComponents {
  private WanComponents() {}

  /** {@link Role#CONDITIONING} and {@link Role#DENOISER}. */
  public static Map<Role, Component> openTransformer(Path path) {
    return openTransformer(new WanFolder(path).require(WanComponent.TRANSFORMER)).components();
  }

  /** {@link Role#TEXT_ENCODER}. */
  public static Map<Role, Component> openTextEncoder(Path path) {
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
  public record Vae(Map<Role, Component> components, PipelineDescription.Latents latents) {}

  record Transformer(Map<Role, Component> components, WanTransformerConfig config) {}

  static Transformer openTransformer(WanFolder.Found found) {
    return open(
        found,
        WanComponent.TRANSFORMER,
        weights -> {
          var config = WanTransformerConfig.read(found.config(), weights);
          return new Transformer(attach(transformer(config), weights), config);
        });
  }

  static Map<Role, Component> openTextEncoder(WanFolder.Found found) {
    return open(
        found,
        WanComponent.TEXT_ENCODER,
        weights -> attach(textEncoder(T5Config.read(found.config(), weights)), weights));
  }

  static Vae openVae(WanFolder.Found found) {
    return open(
        found,
        WanComponent.VAE,
        weights -> {
          var config = WanVaeConfig.read(found.config(), weights);
          return new Vae(attach(vae(config), weights), latents(config));
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

  private static Map<Role, Component> attach(Map<Role, Program> programs, TensorSource weights) {
    var components = new EnumMap<Role, Component>(Role.class);
    programs.forEach((role, program) -> components.put(role, new Component(program, weights)));
    return components;
  }

  static Map<Role, Program> transformer(WanTransformerConfig config) {
    var transformer = new WanTransformer(config);
    return Map.of(
        Role.CONDITIONING, transformer.conditioning(), Role.DENOISER, transformer.denoiser());
  }

  static Map<Role, Program> textEncoder(T5Config config) {
    return Map.of(Role.TEXT_ENCODER, new T5Encoder(config).program());
  }

  static Map<Role, Program> vae(WanVaeConfig config) {
    var vae = new WanVae(config);
    return Map.of(
        Role.VAE_ENCODER_FIRST,
        vae.encoder(Chunk.FIRST),
        Role.VAE_ENCODER_NEXT,
        vae.encoder(Chunk.NEXT),
        Role.VAE_DECODER_FIRST,
        vae.decoder(Chunk.FIRST),
        Role.VAE_DECODER_NEXT,
        vae.decoder(Chunk.NEXT));
  }

  /** Geometry and scaling; sizes in pixels must fill the transformer's 2×2 patches. */
  static PipelineDescription.Latents latents(WanVaeConfig config) {
    return new PipelineDescription.Latents(
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
