package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.checkpoint.CheckpointFiles;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.FoundNetwork;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.Network;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A Stable Diffusion folder in diffusers' layout with a {@code motion_adapter} in it. In place of
 * any subfolder there may be a file beside the others that holds the same network: a checkpoint in
 * the original layout, the authors' motion modules.
 */
final class AnimateDiffFolder {
  private static final String TOKENIZER = "tokenizer";
  private static final String SCHEDULER = "scheduler";

  /** What may lie elsewhere. */
  static final List<String> PARTS =
      List.of("unet", "motion_adapter", "vae", "text_encoder", TOKENIZER, SCHEDULER);

  private static final String CONFIG = "config.json";
  private static final String PREDICTION = "prediction_type";

  /** Classes in the configurations of each network. */
  private static final Map<Network, List<String>> CLASSES =
      Map.of(
          Network.SD_UNET, List.of("UNet2DConditionModel", "UNetMotionModel"),
          Network.MOTION_ADAPTER, List.of("MotionAdapter"),
          Network.SD_VAE, List.of("AutoencoderKL"),
          Network.CLIP_TEXT_ENCODER, List.of("CLIPTextModel"));

  private final ModelRequest request;
  private final Path root;
  private Optional<Map<Path, Contents>> contents = Optional.empty();

  AnimateDiffFolder(ModelRequest request) {
    this.request = request;
    this.root = request.path();
  }

  /** Where a network's tensors are, a folder or a file, and its configuration. */
  record Found(Network network, Path checkpoint, ConfigFile config) {
    static Found at(Network network, Path path) {
      Path config = Files.isDirectory(path) ? path.resolve(CONFIG) : path.resolveSibling(CONFIG);
      return new Found(network, path, configOf(network, config));
    }

    /** The configuration in a file, unless it is that of another network. */
    static ConfigFile configOf(Network network, Path path) {
      ConfigFile file = ConfigFile.open(path);
      boolean own = CLASSES.getOrDefault(network, List.of()).contains(file.className().orElse(""));
      return own ? file : ConfigFile.none(path);
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

  /** Whose group norms to run, where the user says so. */
  Optional<NormConvention> norms() {
    return request.setting(MotionConfig.CONVENTION).flatMap(NormConvention::find);
  }

  /** What the user named; else a subfolder for the network, or a file that holds it. */
  Optional<Found> find(Network network) {
    return request
        .part(network.folder())
        .map(elsewhere -> elsewhere(network, elsewhere))
        .or(() -> findHere(network));
  }

  /** The network itself, or a checkpoint with it among others. */
  private static Found elsewhere(Network network, Path path) {
    if (!Files.exists(path)) {
      throw new CheckpointException(
          "%s: expected a folder or file with the %s, found nothing"
              .formatted(path, network.label()));
    }
    Path folder = path.resolve(network.folder());
    return Found.at(network, Files.isDirectory(folder) ? folder : path);
  }

  private Optional<Found> findHere(Network network) {
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
    return Files.isDirectory(root) ? CheckpointFiles.directlyIn(root) : List.of(root);
  }

  Path tokenizer() {
    return request.part(TOKENIZER).orElse(root.resolve(TOKENIZER));
  }

  /**
   * The fields of the scheduler's configuration. Stable Diffusion's own is for pictures: its noise
   * schedule makes clips flicker, so diffusers' documentation replaces it, as is done here. One
   * that the user names is taken as it is. What the network predicts is the checkpoint's to say
   * whatever the schedule.
   */
  Map<String, Object> scheduler() {
    Optional<Path> named = request.part(SCHEDULER);
    ConfigFile file = ConfigFile.scheduler(named.orElse(root.resolve(SCHEDULER)));
    if (named.isPresent()
        || file.className().filter(name -> !name.equals("PNDMScheduler")).isPresent()) {
      return file.toMap();
    }
    boolean original =
        find(Network.MOTION_ADAPTER).filter(found -> found.layout() == Layout.ORIGINAL).isPresent();
    return predicting(
        file.toMap(),
        original ? AnimateDiffDefaults.ORIGINAL_SCHEDULER : AnimateDiffDefaults.SCHEDULER);
  }

  /** Others that the model may be run with, by name. */
  Map<String, Map<String, Object>> schedulers() {
    Map<String, Object> own = scheduler();
    var others = new LinkedHashMap<String, Map<String, Object>>();
    AnimateDiffDefaults.SCHEDULERS.forEach(
        (name, fields) -> others.put(name, predicting(own, fields)));
    return others;
  }

  /** A scheduler for a network that predicts what another was configured for. */
  private static Map<String, Object> predicting(
      Map<String, Object> other, Map<String, Object> fields) {
    var changed = new LinkedHashMap<>(fields);
    Optional.ofNullable(other.get(PREDICTION)).ifPresent(type -> changed.put(PREDICTION, type));
    return changed;
  }
}
