package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.checkpoint.CheckpointFiles;
import io.github.tpdiff.weights.layout.Contents;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds components in what the user names: a folder in diffusers' layout, one in the authors'
 * layout, the folder of a single component, or a checkpoint file.
 */
record WanFolder(ModelRequest request) {
  private static final String TOKENIZER = "tokenizer";
  private static final String SCHEDULER = "scheduler";

  /** What may lie elsewhere. */
  static final List<String> PARTS =
      List.of("transformer", "vae", "text_encoder", TOKENIZER, SCHEDULER);

  private static final String CONFIG = "config.json";
  static final String INDEX = "model_index.json";

  /** Where one component's tensors are (a file, or a folder with one checkpoint) and its sizes. */
  record Found(Path checkpoint, ConfigFile config) {
    /** The tensors under diffusers' names. */
    TensorSource open(WanComponent component) {
      TensorSource source = Checkpoint.open(checkpoint);
      try {
        return component.asDiffusers(source);
      } catch (RuntimeException e) {
        source.close();
        throw e;
      }
    }
  }

  WanFolder(Path root) {
    this(ModelRequest.of(root));
  }

  Path root() {
    return request.path();
  }

  Found require(WanComponent component) {
    return find(component)
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: expected a Wan %s: a folder %s, the authors' file, or the component itself"
                        .formatted(root(), label(component), subfolder(component))));
  }

  Optional<Found> find(WanComponent component) {
    return request
        .part(subfolder(component))
        .map(elsewhere -> new WanFolder(elsewhere).require(component))
        .or(() -> findHere(component));
  }

  private Optional<Found> findHere(WanComponent component) {
    Path root = root();
    if (Files.isRegularFile(root)) {
      Path config = root.resolveSibling(CONFIG);
      return Optional.of(new Found(root, configFor(config, component)));
    }
    Path sub = root.resolve(subfolder(component));
    if (Files.isDirectory(sub)) {
      ConfigFile config = ConfigFile.open(sub.resolve(CONFIG));
      return describes(config, component)
          ? Optional.of(new Found(sub, toldByIndex(config, component)))
          : Optional.empty();
    }
    return originalFile(component)
        .map(file -> new Found(file, ConfigFile.none(file)))
        .or(() -> findItself(component));
  }

  /** What only the pipeline's index says about a component. */
  private ConfigFile toldByIndex(ConfigFile config, WanComponent component) {
    if (component != WanComponent.TRANSFORMER) {
      return config;
    }
    String field = WanTransformerConfig.EXPAND_TIMESTEPS;
    return index().findFlag(field).map(flag -> config.with(Map.of(field, flag))).orElse(config);
  }

  /** The index of diffusers' pipeline. */
  private ConfigFile index() {
    return ConfigFile.open(root().resolve(INDEX));
  }

  private Optional<Found> findItself(WanComponent component) {
    ConfigFile config = ConfigFile.open(root().resolve(CONFIG));
    boolean isIt = config.className().isPresent() ? describes(config, component) : holds(component);
    return isIt && hasCheckpoint() ? Optional.of(new Found(root(), config)) : Optional.empty();
  }

  /** Whether the folder's one checkpoint is this component, by the names of its tensors. */
  private boolean holds(WanComponent component) {
    if (!hasCheckpoint()) {
      return false;
    }
    try (TensorSource source = Checkpoint.open(root())) {
      return Contents.of(source.names()).find(component.network()).isPresent();
    } catch (CheckpointException e) {
      return false; // several checkpoints, or damaged: not a component's folder
    }
  }

  private boolean hasCheckpoint() {
    return Files.isDirectory(root()) && !CheckpointFiles.directlyIn(root()).isEmpty();
  }

  private Optional<Path> originalFile(WanComponent component) {
    return files().stream()
        .filter(name -> isOriginalFile(name.toLowerCase(Locale.ROOT), component))
        .findFirst()
        .map(root()::resolve);
  }

  private static boolean isOriginalFile(String name, WanComponent component) {
    boolean checkpoint = endsWithAny(name, List.of(".pth", ".safetensors"));
    return switch (component) {
      case TRANSFORMER -> false; // has a configuration beside it
      case VAE -> checkpoint && name.startsWith("wan") && name.contains("vae");
      case TEXT_ENCODER -> checkpoint && name.contains("t5") && name.contains("enc");
    };
  }

  /** The configuration at {@code file} unless it is that of another component. */
  static ConfigFile configFor(Path file, WanComponent component) {
    ConfigFile config = ConfigFile.open(file);
    return describes(config, component) ? config : ConfigFile.none(file);
  }

  private static boolean describes(ConfigFile config, WanComponent component) {
    return config
        .className()
        .map(
            name ->
                switch (component) {
                  case TRANSFORMER -> List.of("WanModel", "WanTransformer3DModel").contains(name);
                  case VAE -> name.equals("AutoencoderKLWan");
                  case TEXT_ENCODER -> name.equals("UMT5EncoderModel");
                })
        .orElse(true);
  }

  /** Where the tokenizer's files should be. */
  Path tokenizer() {
    Path original = root().resolve("google").resolve("umt5-xxl");
    return request
        .part(TOKENIZER)
        .orElseGet(() -> Files.isDirectory(original) ? original : root().resolve(TOKENIZER));
  }

  /** Tokens of a prompt: the published pipeline's number, less where the tokenizer takes less. */
  int textLength() {
    return (int)
        ConfigFile.open(tokenizer().resolve("tokenizer_config.json"))
            .findDouble("model_max_length")
            .filter(length -> length >= 1)
            .map(length -> Math.min(length, WanDefaults.TEXT_LENGTH))
            .orElse((double) WanDefaults.TEXT_LENGTH)
            .doubleValue();
  }

  /**
   * The fields of the scheduler's configuration, or those of the published model.
   *
   * @throws CheckpointException if they describe no schedule
   */
  Map<String, Object> scheduler() {
    ConfigFile file =
        ConfigFile.scheduler(request.part(SCHEDULER).orElse(root().resolve(SCHEDULER)));
    if (file.className().isPresent()) {
      Map<String, Object> fields = file.toMap();
      file.checked(() -> Scheduler.fromConfig(fields));
      return fields;
    }
    boolean original =
        ConfigFile.open(root().resolve(CONFIG)).className().filter("WanModel"::equals).isPresent();
    return original ? WanDefaults.ORIGINAL_SCHEDULER : WanDefaults.SCHEDULER;
  }

  private List<String> files() {
    if (!Files.isDirectory(root())) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(root())) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> file.getFileName().toString())
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new CheckpointException(root() + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static boolean endsWithAny(String name, List<String> suffixes) {
    return suffixes.stream().anyMatch(name::endsWith);
  }

  static String subfolder(WanComponent component) {
    return component.name().toLowerCase(Locale.ROOT);
  }

  private static String label(WanComponent component) {
    return subfolder(component).replace('_', ' ');
  }
}
