package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.Chunk;
import io.github.tpdiff.adapters.ClipTextConfig;
import io.github.tpdiff.adapters.ClipTextModel;
import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.adapters.T5Config;
import io.github.tpdiff.adapters.T5Encoder;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.layout.Network;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * Opens single components. Each {@code path} is the folder of the component, such as {@code
 * diffusion_transformer_384p}, or its file; what the configuration does not say follows from the
 * tensors.
 *
 * <p>The components of one result share one {@link TensorSource}, which the caller closes. All
 * throw {@link io.github.tpdiff.weights.CheckpointException} if what is there cannot be used.
 */
public final class MiniFluxComponents {
  /** Latent frames of the longest clips that the published model was trained with: ten seconds. */
  private static final int LONGEST = 31;

  private MiniFluxComponents() {}

  /** {@link Role#CONDITIONING} and {@link Role#DENOISER}. */
  public static Map<Role, Component> openTransformer(Path path, FrameAttention attention) {
    return open(
        path,
        Network.MINIFLUX_TRANSFORMER,
        (weights, config) -> {
          var sizes = PyramidFluxConfig.read(config, weights);
          return attach(transformer(sizes, attention), weights);
        });
  }

  static Map<Role, Program> transformer(PyramidFluxConfig sizes, FrameAttention attention) {
    var transformer = new PyramidFluxTransformer(sizes, attention);
    return Map.of(
        Role.CONDITIONING, transformer.conditioning(), Role.DENOISER, transformer.denoiser());
  }

  /**
   * An opened autoencoder.
   *
   * @param components encoder and decoder, for first and following chunks
   * @param firstFrame geometry, and scaling of the first latent frame
   * @param laterFrames geometry, and scaling of the others
   */
  public record Vae(
      Map<Role, Component> components,
      PipelineDescription.Latents firstFrame,
      PipelineDescription.Latents laterFrames) {}

  /** The four programs of the autoencoder. */
  public static Vae openVae(Path path) {
    return open(
        path,
        Network.MINIFLUX_VAE,
        (weights, config) -> {
          var sizes = CausalVideoVaeConfig.read(config, weights);
          return new Vae(
              attach(vae(sizes), weights),
              latents(sizes, LatentStatistics.FIRST_FRAME),
              latents(sizes, LatentStatistics.LATER_FRAMES));
        });
  }

  static Map<Role, Program> vae(CausalVideoVaeConfig sizes) {
    var vae = new CausalVideoVae(sizes);
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

  /** Sizes in pixels must fill the transformer's 2×2 patches. */
  private static PipelineDescription.Latents latents(
      CausalVideoVaeConfig sizes, LatentStatistics statistics) {
    return new PipelineDescription.Latents(
        sizes.latentChannels(),
        sizes.spatialFactor(),
        sizes.temporalFactor(),
        true,
        LONGEST,
        PyramidFluxConfig.PATCH * sizes.spatialFactor(),
        Collections.nCopies(sizes.latentChannels(), statistics.mean()),
        Collections.nCopies(sizes.latentChannels(), statistics.std()));
  }

  /** The T5 encoder, as {@link Role#TEXT_ENCODER}. */
  public static Component openTextEncoder(Path path) {
    return open(
        path,
        Network.T5_ENCODER,
        (weights, config) ->
            new Component(new T5Encoder(T5Config.read(config, weights)).program(), weights));
  }

  /** CLIP's text model: {@code input_ids} to {@code pooled} among other things. */
  public static Component openPooledTextEncoder(Path path) {
    return open(
        path,
        Network.CLIP_TEXT_ENCODER,
        (weights, config) -> {
          var model = new ClipTextModel(ClipTextConfig.read(config, weights));
          return new Component(model.pooledProgram(), weights);
        });
  }

  /** How one component is made of its tensors and configuration. */
  private interface Making<T> {
    T of(TensorSource weights, ConfigFile config);
  }

  private static <T> T open(Path path, Network network, Making<T> making) {
    Path config =
        Files.isDirectory(path) ? path.resolve("config.json") : path.resolveSibling("config.json");
    TensorSource weights = Checkpoint.open(path);
    try {
      ConfigFile fields = ConfigFile.open(config);
      TensorSource named = network.asDiffusers(weights);
      return fields.checked(() -> making.of(named, fields));
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
}
