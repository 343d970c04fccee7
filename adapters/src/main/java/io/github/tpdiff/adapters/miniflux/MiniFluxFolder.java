package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.Network;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds components in what the user names: a folder as published, which has a transformer for each
 * size of pictures, or the folder or file of one component.
 */
record MiniFluxFolder(ModelRequest request) {
  static final String TRANSFORMER = "diffusion_transformer";
  static final String VAE = "causal_video_vae";

  /** What may lie elsewhere. */
  static final List<String> PARTS =
      List.of(
          TRANSFORMER,
          VAE,
          MiniFluxFlow.CLIP,
          MiniFluxFlow.T5,
          MiniFluxFlow.CLIP_TOKENIZER,
          MiniFluxFlow.T5_TOKENIZER);

  /** The transformer to open, of those in a folder; the first that is there unless it is said. */
  static final String VARIANT = "variant";

  private static final List<String> VARIANTS = List.of("384p", "768p", "image");

  /** How frames see each other: all of them, as TPDiff trains it, or those before. */
  static final String ATTENTION = "attention";

  static final Map<String, List<String>> SETTINGS =
      Map.of(VARIANT, VARIANTS, ATTENTION, List.of("full", "causal"));

  Path root() {
    return request.path();
  }

  FrameAttention attention() {
    return request.setting(ATTENTION).filter("causal"::equals).isPresent()
        ? FrameAttention.CAUSAL
        : FrameAttention.FULL;
  }

  /** Whether this is miniFLUX, which its text encoders alone do not tell. */
  boolean isMiniFlux() {
    return transformer().isPresent() || vae().isPresent();
  }

  Optional<Path> transformer() {
    return part(TRANSFORMER)
        .or(
            () ->
                variants().stream()
                    .map(variant -> root().resolve(TRANSFORMER + "_" + variant))
                    .filter(Files::isDirectory)
                    .findFirst())
        .or(() -> itself(Network.MINIFLUX_TRANSFORMER));
  }

  /**
   * @throws CheckpointException if the one that the user chose is not there, but others are
   */
  private List<String> variants() {
    List<String> there =
        VARIANTS.stream()
            .filter(variant -> Files.isDirectory(root().resolve(TRANSFORMER + "_" + variant)))
            .toList();
    Optional<String> chosen = request.setting(VARIANT);
    if (chosen.isPresent() && !there.isEmpty() && !there.contains(chosen.get())) {
      throw new CheckpointException(
          "%s: setting %s: expected one of %s, which are there, found %s"
              .formatted(root(), VARIANT, there, chosen.get()));
    }
    return chosen.map(List::of).orElse(there);
  }

  Optional<Path> vae() {
    return part(VAE)
        .or(() -> Optional.of(root().resolve(VAE)).filter(Files::isDirectory))
        .or(() -> itself(Network.MINIFLUX_VAE));
  }

  /** CLIP or T5, by their folder. */
  Optional<Path> textEncoder(String name) {
    return part(name).or(() -> Optional.of(root().resolve(name)).filter(Files::isDirectory));
  }

  Path tokenizer(String name) {
    return request.part(name).orElse(root().resolve(name));
  }

  private Optional<Path> part(String name) {
    Optional<Path> elsewhere = request.part(name);
    elsewhere
        .filter(path -> !Files.exists(path))
        .ifPresent(
            path -> {
              throw new CheckpointException(
                  "%s: expected a folder or file with the %s, found nothing".formatted(path, name));
            });
    return elsewhere;
  }

  /** What the user named, if its tensors are those of a network. */
  private Optional<Path> itself(Network network) {
    boolean file = Files.isRegularFile(root());
    boolean folder = Files.isRegularFile(root().resolve("config.json"));
    if (!file && !folder) {
      return Optional.empty();
    }
    try (TensorSource source = Checkpoint.open(root())) {
      return Contents.of(source.names()).find(network).map(found -> root());
    } catch (CheckpointException notOne) {
      return Optional.empty();
    }
  }
}
