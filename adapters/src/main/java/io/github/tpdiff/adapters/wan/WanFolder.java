package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.ClipImageProcessorConfig;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.model.ConfigException;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.picture.ClipImageProcessor;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.checkpoint.CheckpointFiles;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.Expert;
import io.github.tpdiff.weights.layout.Layout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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
  private static final String IMAGE_PROCESSOR = "image_processor";

  /** What may lie elsewhere. */
  static final List<String> PARTS =
      Stream.concat(
              Arrays.stream(WanComponent.values()).map(WanComponent::folder),
              Stream.of(IMAGE_PROCESSOR, TOKENIZER, SCHEDULER))
          .toList();

  private static final String CONFIG = "config.json";
  static final String INDEX = "model_index.json";

  /** Of the index: from which part of all times on a model's first transformer is asked. */
  static final String BOUNDARY = "boundary_ratio";

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
                        .formatted(root(), component.label(), component.folder())));
  }

  Optional<Found> find(WanComponent component) {
    return request
        .part(component.folder())
        .map(elsewhere -> new WanFolder(elsewhere).requirePart(component))
        .or(() -> findHere(component));
  }

  /** Where this is what the user named as the component. */
  private Found requirePart(WanComponent component) {
    return component == component.alone()
        ? require(component)
        : findHere(component).orElseGet(() -> require(component.alone()));
  }

  private Optional<Found> findHere(WanComponent component) {
    Path root = root();
    if (Files.isRegularFile(root)) {
      if (component != component.alone()) {
        return Optional.empty();
      }
      Path config = root.resolveSibling(CONFIG);
      return Optional.of(new Found(root, configFor(config, component)));
    }
    for (String name : component.folders()) {
      Path sub = root.resolve(name);
      if (Files.isDirectory(sub)) {
        ConfigFile config = ConfigFile.open(sub.resolve(CONFIG));
        return describes(config, component)
            ? Optional.of(new Found(sub, toldByIndex(config, component)))
            : Optional.empty();
      }
    }
    return originalFile(component)
        .map(file -> new Found(file, ConfigFile.none(file)))
        .or(() -> findItself(component));
  }

  /** What only the pipeline's index says about a component. */
  private ConfigFile toldByIndex(ConfigFile config, WanComponent component) {
    if (component.alone() != WanComponent.TRANSFORMER) {
      return config;
    }
    String field = WanTransformerConfig.EXPAND_TIMESTEPS;
    return index().findFlag(field).map(flag -> config.with(Map.of(field, flag))).orElse(config);
  }

  /** The index of diffusers' pipeline. */
  private ConfigFile index() {
    return ConfigFile.open(root().resolve(INDEX));
  }

  /**
   * From which part of all times on the first of two transformers is asked, where diffusers' index
   * says so.
   *
   * @throws ConfigException if it does not say so of two transformers
   */
  Optional<Double> boundaryRatio() {
    ConfigFile index = index();
    Optional<Double> ratio = index.findDouble(BOUNDARY);
    ratio
        .filter(value -> value <= 0 || value >= 1)
        .ifPresent(
            value -> {
              throw index.wrong(BOUNDARY, "a number between 0 and 1", value);
            });
    if (ratio.isEmpty() && isDiffusers() && find(WanComponent.TRANSFORMER_2).isPresent()) {
      throw index.wrong(BOUNDARY, "a number between 0 and 1, as there is a transformer_2", "none");
    }
    return ratio;
  }

  private boolean isDiffusers() {
    return Files.isRegularFile(root().resolve(INDEX));
  }

  private Optional<Found> findItself(WanComponent component) {
    if (component != component.alone()) {
      return Optional.empty();
    }
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
      case TRANSFORMER, TRANSFORMER_2 -> false; // have a configuration beside them
      case VAE -> checkpoint && name.startsWith("wan") && name.contains("vae");
      case TEXT_ENCODER -> checkpoint && name.contains("t5") && name.contains("enc");
      case IMAGE_ENCODER -> checkpoint && name.contains("clip");
    };
  }

  /** The configuration at {@code file} unless it is that of another component. */
  static ConfigFile configFor(Path file, WanComponent component) {
    ConfigFile config = ConfigFile.open(file);
    return describes(config, component) ? config : ConfigFile.none(file);
  }

  private static boolean describes(ConfigFile config, WanComponent component) {
    return config.className().map(component::isOfClass).orElse(true);
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
   * How an image encoder's pictures are processed; as published where no file says it.
   *
   * @param side of the square that it takes, if it is there
   */
  ClipImageProcessor imageProcessor(Optional<Integer> side) {
    Path path = request.part(IMAGE_PROCESSOR).orElseGet(() -> root().resolve(IMAGE_PROCESSOR));
    return side.map(own -> ClipImageProcessorConfig.open(path, own))
        .orElseGet(() -> ClipImageProcessorConfig.open(path));
  }

  /**
   * The fields of the scheduler's configuration, or those of the published model.
   *
   * @param variant whose authors' layout has no such file
   * @throws CheckpointException if they describe no schedule
   */
  Map<String, Object> scheduler(WanVariant variant) {
    ConfigFile file =
        ConfigFile.scheduler(request.part(SCHEDULER).orElse(root().resolve(SCHEDULER)));
    if (file.className().isPresent()) {
      Map<String, Object> fields = file.toMap();
      file.checked(() -> Scheduler.fromConfig(fields));
      return fields;
    }
    return isOriginal() ? variant.originalScheduler() : variant.scheduler();
  }

  /** Whether it is in the authors' layout. */
  boolean isOriginal() {
    return Arrays.stream(Expert.values())
            .map(expert -> root().resolve(expert.folder(Layout.ORIGINAL)))
            .anyMatch(Files::isDirectory)
        || ConfigFile.open(root().resolve(CONFIG))
            .className()
            .filter("WanModel"::equals)
            .isPresent();
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
}
