package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.Chunk;
import io.github.tpdiff.adapters.ClipTextConfig;
import io.github.tpdiff.adapters.ClipTextModel;
import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.adapters.T5Config;
import io.github.tpdiff.adapters.T5Encoder;
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
import java.util.Collections;
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

  /** Conditioning and denoiser. */
  public static Map<String, Component> openTransformer(Path path, FrameAttention attention) {
    return open(
        path,
        Network.MINIFLUX_TRANSFORMER,
        (weights, config) -> {
          var sizes = PyramidFluxConfig.read(config, weights);
          return ModelFlows.attach(transformer(sizes, attention), weights);
        });
  }

  static Map<String, Program> transformer(PyramidFluxConfig sizes, FrameAttention attention) {
    var transformer = new PyramidFluxTransformer(sizes, attention);
    return Map.of(
        ComponentDescription.conditioning(MiniFluxFlow.TRANSFORMER),
        transformer.conditioning(),
        MiniFluxFlow.TRANSFORMER,
        transformer.denoiser());
  }

  /**
   * An opened autoencoder.
   *
   * @param components encoder and decoder, for first and following chunks
   * @param latents geometry and scaling
   */
  public record Vae(Map<String, Component> components, ModelDescription.Latents latents) {}

  /** The four programs of the autoencoder. */
  public static Vae openVae(Path path) {
    return open(
        path,
        Network.MINIFLUX_VAE,
        (weights, config) -> {
          var sizes = CausalVideoVaeConfig.read(config, weights);
          return new Vae(ModelFlows.attach(vae(sizes), weights), latents(sizes));
        });
  }

  static Map<String, Program> vae(CausalVideoVaeConfig sizes) {
    var vae = new CausalVideoVae(sizes);
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

  /** Sizes in pixels must fill the transformer's 2×2 patches. */
  static ModelDescription.Latents latents(CausalVideoVaeConfig sizes) {
    var first = LatentStatistics.FIRST_FRAME;
    var later = LatentStatistics.LATER_FRAMES;
    return new ModelDescription.Latents(
            sizes.latentChannels(),
            sizes.spatialFactor(),
            sizes.temporalFactor(),
            true,
            LONGEST,
            PyramidFluxConfig.PATCH * sizes.spatialFactor(),
            Collections.nCopies(sizes.latentChannels(), later.mean()),
            Collections.nCopies(sizes.latentChannels(), later.std()))
        .withFirstFrame(first.mean(), first.std());
  }

  /** The T5 encoder. */
  public static Component openTextEncoder(Path path) {
    return open(
        path,
        Network.T5_ENCODER,
        (weights, config) ->
            new Component(
                MiniFluxFlow.T5, new T5Encoder(T5Config.read(config, weights)).program(), weights));
  }

  /** CLIP's text model: {@code input_ids} to {@code pooled} among other things. */
  public static Component openPooledTextEncoder(Path path) {
    return open(
        path,
        Network.CLIP_TEXT_ENCODER,
        (weights, config) -> {
          var model = new ClipTextModel(ClipTextConfig.read(config, weights));
          return new Component(MiniFluxFlow.CLIP, model.pooledProgram(), weights);
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
}
