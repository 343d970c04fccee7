package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.FoundNetwork;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.Network;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A Stable Diffusion folder in diffusers' layout with a {@code motion_adapter} in it. In place of
 * any subfolder there may be a file beside the others that holds the same network: a checkpoint in
 * the original layout, the authors' motion modules.
 */
final class AnimateDiffFolder {
  private static final String CONFIG = "config.json";
  private static final List<String> SUFFIXES =
      List.of(".safetensors", ".ckpt", ".pth", ".pt", ".bin");

  /** Classes in the configurations of each network. */
  private static final Map<Network, List<String>> CLASSES =
      Map.of(
          Network.SD_UNET, List.of("UNet2DConditionModel", "UNetMotionModel"),
          Network.MOTION_ADAPTER, List.of("MotionAdapter"),
          Network.SD_VAE, List.of("AutoencoderKL"),
          Network.CLIP_TEXT_ENCODER, List.of("CLIPTextModel"));

  private final Path root;
  private Optional<Map<Path, Contents>> contents = Optional.empty();

  AnimateDiffFolder(Path root) {
    this.root = root;
  }

  /** Where a network's tensors are, a folder or a file, and its configuration. */
  record Found(Network network, Path checkpoint, ConfigFile config) {
    static Found at(Network network, Path path) {
      Path config = Files.isDirectory(path) ? path.resolve(CONFIG) : path.resolveSibling(CONFIG);
      ConfigFile file = ConfigFile.open(config);
      boolean own = CLASSES.getOrDefault(network, List.of()).contains(file.className().orElse(""));
      return new Found(network, path, own ? file : ConfigFile.none(config));
    }

    /** The tensors under diffusers' names. */
    TensorSource open() {
      TensorSource source = Checkpoint.open(checkpoint);
      try {
        return network.asDiffusers(source);
      } catch (RuntimeException e) {
        source.close();
        throw e;
      }
    }

    Layout layout() {
      try (TensorSource source = Checkpoint.open(checkpoint)) {
        return Contents.of(source.names())
            .find(network)
            .map(FoundNetwork::layout)
            .orElse(Layout.DIFFUSERS);
      }
    }
  }

  Path root() {
    return root;
  }

  /** A subfolder for the network, or a file that holds it. */
  Optional<Found> find(Network network) {
    Path folder = root.resolve(network.folder());
    if (Files.isDirectory(folder)) {
      String found = ConfigFile.open(folder.resolve(CONFIG)).className().orElse("");
      return found.isEmpty() || CLASSES.getOrDefault(network, List.of()).contains(found)
          ? Optional.of(Found.at(network, folder))
          : Optional.empty();
    }
    return contents().entrySet().stream()
        .filter(file -> file.getValue().find(network).isPresent())
        .findFirst()
        .map(file -> Found.at(network, file.getKey()));
  }

  private synchronized Map<Path, Contents> contents() {
    if (contents.isEmpty()) {
      contents = Optional.of(readContents());
    }
    return contents.get();
  }

  private Map<Path, Contents> readContents() {
    var found = new LinkedHashMap<Path, Contents>();
    files().forEach(file -> contents(file).ifPresent(own -> found.put(file, own)));
    return found;
  }

  private static Optional<Contents> contents(Path file) {
    try (TensorSource source = Checkpoint.open(file)) {
      return Optional.of(Contents.of(source.names()));
    } catch (CheckpointException e) {
      return Optional.empty(); // not a checkpoint, whatever its name
    }
  }

  private List<Path> files() {
    if (!Files.isDirectory(root)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(root)) {
      return files
          .filter(Files::isRegularFile)
          .filter(file -> SUFFIXES.stream().anyMatch(file.toString()::endsWith))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new CheckpointException(root + ": cannot be read: " + e.getMessage(), e);
    }
  }

  Path tokenizer() {
    return root.resolve("tokenizer");
  }

  /**
   * The fields of the scheduler's configuration. Stable Diffusion's own is for pictures: its noise
   * schedule makes clips flicker, so diffusers' documentation replaces it, as is done here.
   */
  Map<String, Object> scheduler() {
    ConfigFile file = ConfigFile.open(root.resolve("scheduler").resolve("scheduler_config.json"));
    if (file.className().filter(name -> !name.equals("PNDMScheduler")).isPresent()) {
      return file.toMap();
    }
    boolean original =
        find(Network.MOTION_ADAPTER).filter(found -> found.layout() == Layout.ORIGINAL).isPresent();
    return original ? AnimateDiffDefaults.ORIGINAL_SCHEDULER : AnimateDiffDefaults.SCHEDULER;
  }
}
