package io.github.tpdiff.serve;

import static com.google.common.base.Preconditions.checkArgument;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.lora.data.Utf8File;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;

/**
 * What an operator writes of a server, in a file or as options; what is left open has a default.
 *
 * @param host where it listens; {@code 127.0.0.1} unless it is said
 * @param port {@link ServerSettings#PORT} unless it is said, 0 for any that is free
 * @param results folder of jobs and their files; {@code results} unless it is said
 * @param keys a file of keys, one a line
 * @param hostNames as of {@link ServerSettings.Access}
 * @param origins likewise
 * @param keepHours how long results are kept; 24 unless it is said
 * @param graceSeconds how long a stop waits for what runs; 30 unless it is said
 * @param warmBytes of weights that stay loaded
 * @param models by name
 * @param loras by name
 * @param defaults of requests to every model
 * @param limits on requests
 */
public record ServeFile(
    Optional<String> host,
    Optional<Integer> port,
    Optional<Path> results,
    Optional<Path> keys,
    List<String> hostNames,
    List<String> origins,
    Optional<Double> keepHours,
    Optional<Double> graceSeconds,
    Optional<Long> warmBytes,
    Map<String, Model> models,
    Map<String, Lora> loras,
    VideoFields defaults,
    Limits limits) {
  private static final RecordJson<ServeFile> FORM = RecordJson.handWritten(ServeFile.class);
  private static final long MOST_BYTES = 1 << 20;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._/-]{0,99}");
  private static final int SHORTEST_KEY = 16;

  /**
   * A model.
   *
   * @param path an exported folder or a checkpoint
   * @param parts of a checkpoint that lie elsewhere, as of {@link ModelRequest}
   * @param settings of its family, likewise
   * @param defaults of requests to it, before those to every model
   */
  public record Model(
      Path path, Map<String, Path> parts, Map<String, String> settings, VideoFields defaults) {
    public Model {
      parts = Map.copyOf(parts);
      settings = Map.copyOf(settings);
    }

    /** A model as it is. */
    public static Model of(Path path) {
      return new Model(path, Map.of(), Map.of(), VideoFields.open());
    }

    /** How it is opened, if it is a checkpoint. */
    public ModelRequest request() {
      return new ModelRequest(path, parts, settings);
    }

    private Model in(Path folder) {
      var own = new LinkedHashMap<String, Path>();
      parts.forEach((name, part) -> own.put(name, folder.resolve(part)));
      return new Model(folder.resolve(path), own, settings, defaults);
    }
  }

  /**
   * A LoRA.
   *
   * @param path a file or PEFT folder
   * @param strength a factor on it
   * @param denoiser that it is for, as of {@link LoraChoice}
   */
  public record Lora(Path path, Optional<Double> strength, Optional<String> denoiser) {
    LoraChoice choice() {
      return new LoraChoice(path, strength, denoiser);
    }
  }

  /**
   * @throws IllegalArgumentException if a name cannot be asked for
   */
  public ServeFile {
    hostNames = List.copyOf(hostNames);
    origins = List.copyOf(origins);
    models = Collections.unmodifiableMap(new LinkedHashMap<>(models));
    loras = Collections.unmodifiableMap(new LinkedHashMap<>(loras));
    models.keySet().forEach(name -> requireName("models", name));
    loras.keySet().forEach(name -> requireName("loras", name));
  }

  private static void requireName(String section, String name) {
    checkArgument(
        NAME.matcher(name).matches(),
        "%s: expected names of letters, digits and ._/-, found '%s'",
        section,
        name);
  }

  /** One that says nothing. */
  public static ServeFile open() {
    return new ServeFile(
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Map.of(),
        Map.of(),
        VideoFields.open(),
        Limits.open());
  }

  /**
   * Reads a file, whose paths are relative to its own folder.
   *
   * @throws CheckpointException if it cannot be read or a key is unknown or of another type
   */
  public static ServeFile read(Path file) {
    Path folder = file.toAbsolutePath().resolveSibling("").normalize();
    ServeFile read = FORM.parse(tree(file), file.toString());
    var models = new LinkedHashMap<String, Model>();
    read.models.forEach((name, model) -> models.put(name, model.in(folder)));
    var loras = new LinkedHashMap<String, Lora>();
    read.loras.forEach(
        (name, lora) ->
            loras.put(name, new Lora(folder.resolve(lora.path), lora.strength, lora.denoiser)));
    return new ServeFile(
        read.host,
        read.port,
        read.results.map(folder::resolve),
        read.keys.map(folder::resolve),
        read.hostNames,
        read.origins,
        read.keepHours,
        read.graceSeconds,
        read.warmBytes,
        models,
        loras,
        read.defaults,
        read.limits);
  }

  private static JsonNode tree(Path file) {
    var options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    try {
      Object read = new Yaml(new SafeConstructor(options)).load(Utf8File.read(file, MOST_BYTES));
      JsonNode tree = new ObjectMapper().valueToTree(read);
      for (String section : List.of("models", "loras")) {
        if (tree.get(section) instanceof ObjectNode byName) {
          // A path alone stands for what has nothing else to say.
          byName
              .properties()
              .forEach(
                  entry -> {
                    JsonNode path = entry.getValue();
                    if (path.isTextual()) {
                      byName.putObject(entry.getKey()).set("path", path);
                    }
                  });
        }
      }
      return tree;
    } catch (MarkedYAMLException broken) {
      int line = broken.getProblemMark() == null ? 1 : broken.getProblemMark().getLine() + 1;
      throw new CheckpointException(
          "%s: line %d: %s".formatted(file, line, broken.getProblem()), broken);
    } catch (YAMLException | IllegalArgumentException broken) {
      throw new CheckpointException("%s: %s".formatted(file, broken.getMessage()), broken);
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, failure), failure);
    }
  }

  /** What this says, and what another says where this leaves it open. */
  public ServeFile over(ServeFile other) {
    var allModels = new LinkedHashMap<>(other.models);
    allModels.putAll(models);
    var allLoras = new LinkedHashMap<>(other.loras);
    allLoras.putAll(loras);
    return new ServeFile(
        host.or(other::host),
        port.or(other::port),
        results.or(other::results),
        keys.or(other::keys),
        hostNames.isEmpty() ? other.hostNames : hostNames,
        origins.isEmpty() ? other.origins : origins,
        keepHours.or(other::keepHours),
        graceSeconds.or(other::graceSeconds),
        warmBytes.or(other::warmBytes),
        allModels,
        allLoras,
        other.defaults,
        limits.over(other.limits));
  }

  /**
   * What a server is opened with.
   *
   * @throws IllegalArgumentException if there is no model, or a value is out of its range
   * @throws CheckpointException if keys cannot be read, or one is short enough to be guessed
   */
  public ServerSettings settings() {
    checkArgument(
        !models.isEmpty(),
        "models: expected at least one, found none; name one with --model NAME=FOLDER");
    var choices = new LinkedHashMap<String, LoraChoice>();
    loras.forEach((name, lora) -> choices.put(name, lora.choice()));
    var own = new LinkedHashMap<String, VideoFields>();
    models.forEach((name, model) -> own.put(name, model.defaults));
    return new ServerSettings(
        new ServerSettings.Place(host.orElse("127.0.0.1"), port.orElse(ServerSettings.PORT)),
        results.orElse(Path.of("results")),
        new ServerSettings.Access(
            keys.map(ServeFile::keys).orElse(List.of()),
            Set.copyOf(hostNames),
            Set.copyOf(origins)),
        choices,
        new ServerSettings.Defaults(defaults, own),
        limits,
        new ServerSettings.Times(
            duration("keep_hours", keepHours.orElse(24.0), 3600),
            duration("grace_seconds", graceSeconds.orElse(30.0), 1)),
        warmBytes);
  }

  private static Duration duration(String name, double value, int seconds) {
    checkArgument(
        value >= 0 && value * seconds <= 1e9, "%s: expected at least 0, found %s", name, value);
    return Duration.ofMillis(Math.round(value * seconds * 1000));
  }

  /** Keys, one a line; empty lines and those that begin with # are passed over. */
  private static List<String> keys(Path file) {
    List<String> keys;
    try {
      keys =
          Utf8File.read(file, MOST_BYTES)
              .lines()
              .map(String::strip)
              .filter(line -> !line.isEmpty() && !line.startsWith("#"))
              .toList();
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, failure), failure);
    }
    if (keys.isEmpty()) {
      throw new CheckpointException(
          file + ": expected keys, one a line, found none; leave it out to ask for none");
    }
    for (int i = 0; i < keys.size(); i++) {
      if (keys.get(i).length() < SHORTEST_KEY) {
        throw new CheckpointException(
            "%s: key %d: expected at least %d characters, found %d; openssl rand -hex 24 makes one"
                .formatted(file, i + 1, SHORTEST_KEY, keys.get(i).length()));
      }
    }
    return keys;
  }
}
