package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.ClipTextConfig;
import io.github.tpdiff.adapters.ClipTextModel;
import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.layout.Network;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Opens the parts of Stable Diffusion 1.5 around its UNet. Each {@code path} is the folder of the
 * part or a file in which it is, in any layout; what the configuration does not say follows from
 * the tensors.
 *
 * <p>The components of one result share one {@link TensorSource}, which the caller closes. All
 * throw {@link io.github.tpdiff.weights.CheckpointException} if what is there cannot be used.
 */
public final class StableDiffusionParts {
  private StableDiffusionParts() {}

  /**
   * An opened autoencoder.
   *
   * @param components encoder and decoder of any number of frames
   * @param latents geometry and scaling
   */
  public record Vae(Map<String, Component> components, ModelDescription.Latents latents) {}

  /** The autoencoder. */
  public static Vae openVae(Path path) {
    return open(path, StableDiffusionParts::vae);
  }

  /** The text encoder. */
  public static Map<String, Component> openTextEncoder(Path path) {
    return open(path, StableDiffusionParts::textEncoder);
  }

  /** The text encoder that gives the {@code pooled} state as well. */
  public static Map<String, Component> openPooledTextEncoder(Path path) {
    return open(
        path,
        (weights, config) -> {
          TensorSource named = Network.CLIP_TEXT_ENCODER.asDiffusers(weights);
          var model = new ClipTextModel(ClipTextConfig.read(config, named));
          return ModelFlows.attach(
              Map.of(AnimateDiffFlow.TEXT_ENCODER, model.pooledProgram()), named);
        });
  }

  /** How one part is made of its tensors and configuration. */
  private interface Making<T> {
    T of(TensorSource weights, ConfigFile config);
  }

  private static <T> T open(Path path, Making<T> making) {
    Path config =
        Files.isDirectory(path) ? path.resolve("config.json") : path.resolveSibling("config.json");
    TensorSource weights = Checkpoint.open(path);
    try {
      return making.of(weights, ConfigFile.open(config));
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  static Vae vae(TensorSource weights, ConfigFile config) {
    TensorSource named = Network.SD_VAE.asDiffusers(weights);
    var sizes = AutoencoderKlConfig.read(config, named);
    return new Vae(ModelFlows.attach(vae(sizes), named), latents(sizes));
  }

  static ModelDescription.Latents latents(AutoencoderKlConfig sizes) {
    return sizes.latents(MotionConfig.PUBLISHED.positions());
  }

  static Map<String, Component> textEncoder(TensorSource weights, ConfigFile config) {
    TensorSource named = Network.CLIP_TEXT_ENCODER.asDiffusers(weights);
    return ModelFlows.attach(textEncoder(ClipTextConfig.read(config, named)), named);
  }

  static Map<String, Program> vae(AutoencoderKlConfig sizes) {
    var vae = new AutoencoderKl(sizes);
    return Map.of(
        ComponentDescription.VAE_ENCODER,
        vae.encoder(),
        ComponentDescription.VAE_DECODER,
        vae.decoder());
  }

  static Map<String, Program> textEncoder(ClipTextConfig sizes) {
    return Map.of(AnimateDiffFlow.TEXT_ENCODER, new ClipTextModel(sizes).program());
  }
}
