package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.job.JobKey.Otherwise;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.NearestName;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * One section of a job file, read key by key; whoever reads a key says what it means and what
 * stands where it is left out. Errors name the file, the line and the key.
 */
final class JobSection {
  private final Path file;
  private final String name;
  private final YamlNode.Mapping mapping;
  private final Consumer<JobKey> asked;

  private JobSection(Path file, String name, YamlNode.Mapping mapping, Consumer<JobKey> asked) {
    this.file = file;
    this.name = name;
    this.mapping = mapping;
    this.asked = asked;
  }

  static JobSection root(Path file) {
    if (YamlReader.read(file) instanceof YamlNode.Mapping mapping) {
      return new JobSection(file, "", mapping, key -> {});
    }
    throw new CheckpointException("%s: expected sections such as 'model:'".formatted(file));
  }

  /**
   * A job that leaves out everything that may be left out.
   *
   * @param asked is told each key that is asked for
   */
  static JobSection smallest(Consumer<JobKey> asked) {
    var path = new YamlNode.Mapping(1, Map.of("path", new YamlNode.Scalar(1, ".")));
    return new JobSection(
        Path.of("job.yaml"),
        "",
        new YamlNode.Mapping(1, Map.of("model", path, "data", path)),
        asked);
  }

  /** Refuses keys that are not among {@code known}, here and in the sections below. */
  JobSection knowing(List<JobKey> known) {
    Set<String> names = new TreeSet<>();
    known.stream()
        .filter(key -> key.path().equals(path(key.name())))
        .forEach(k -> names.add(k.name()));
    mapping
        .entries()
        .forEach(
            (key, node) -> {
              if (!names.contains(key)) {
                throw error(node.line(), unknown(key, name, names, known));
              }
              if (known.stream().anyMatch(k -> k.isIn(path(key)))) {
                below(key).knowing(known);
              }
            });
    return this;
  }

  private static String unknown(String key, String section, Set<String> here, List<JobKey> known) {
    String hint =
        known.stream()
            .filter(k -> k.name().equals(key) && k.path().contains("."))
            .findFirst()
            .map(k -> "it is " + k.path())
            .orElseGet(() -> "the nearest is '" + NearestName.of(key, here).orElse("") + "'");
    return "unknown key '%s'%s; %s".formatted(key, section.isEmpty() ? "" : " in " + section, hint);
  }

  private CheckpointException error(int at, String what) {
    return new CheckpointException("%s: line %d: %s".formatted(file, at, what));
  }

  private String path(String key) {
    return name.isEmpty() ? key : name + "." + key;
  }

  boolean has(String key) {
    return mapping.entries().containsKey(key);
  }

  /** A section of this one; empty if it is not there or has nothing in it. */
  JobSection section(String key, String meaning) {
    asked.accept(new JobKey(path(key), "keys and values", new Otherwise.Section(), meaning));
    return below(key);
  }

  private JobSection below(String key) {
    YamlNode node = mapping.entries().get(key);
    if (node instanceof YamlNode.Mapping own) {
      return new JobSection(file, path(key), own, asked);
    }
    if (node == null || node instanceof YamlNode.Nothing) {
      int line = node == null ? mapping.line() : node.line();
      return new JobSection(file, path(key), new YamlNode.Mapping(line, Map.of()), asked);
    }
    throw error(
        node.line(), "%s: expected keys and values, found %s".formatted(path(key), node.words()));
  }

  /** The value of a key, or else {@code otherwise}. */
  <T> T value(String key, JobType<T> type, T otherwise, String meaning) {
    String written = type.writer().apply(otherwise);
    asked.accept(new JobKey(path(key), type.label(), new Otherwise.Value(written), meaning));
    return read(key, type).orElse(otherwise);
  }

  /**
   * The value of a key, if it is there.
   *
   * @param otherwise in words, what stands for it if not
   */
  <T> Optional<T> find(String key, JobType<T> type, String otherwise, String meaning) {
    asked.accept(new JobKey(path(key), type.label(), new Otherwise.Computed(otherwise), meaning));
    return read(key, type);
  }

  /** The value of a key that must be there. */
  <T> T require(String key, JobType<T> type, String meaning) {
    asked.accept(new JobKey(path(key), type.label(), new Otherwise.Required(), meaning));
    return read(key, type)
        .orElseThrow(
            () ->
                error(
                    mapping.line(),
                    "%s: expected %s, found none".formatted(path(key), type.label())));
  }

  /**
   * What each part of a list says, a section of its own; none if the key is not there. A key that a
   * part does not have is an error.
   *
   * @param label in words, how the list is written
   */
  <T> List<T> items(String key, String label, Function<JobSection, T> read, String meaning) {
    asked.accept(new JobKey(path(key), label, new Otherwise.Computed("none"), meaning));
    YamlNode list = mapping.entries().get(key);
    if (list == null) {
      return List.of();
    }
    var entry = new JobType.Entry(file, path(key), list);
    if (!(list instanceof YamlNode.Sequence sequence) || sequence.items().isEmpty()) {
      throw new CheckpointException(entry.mismatch(label));
    }
    Set<String> known = keysOf(read);
    var values = new ArrayList<T>();
    for (YamlNode item : sequence.items()) {
      if (!(item instanceof YamlNode.Mapping own)) {
        throw new CheckpointException(entry.at(item).mismatch(label));
      }
      own.entries()
          .forEach(
              (name, node) -> {
                if (!known.contains(name)) {
                  throw error(node.line(), unknown(name, path(key), known, JobKey.all()));
                }
              });
      values.add(read.apply(new JobSection(file, path(key), own, asking -> {})));
    }
    return List.copyOf(values);
  }

  /** The keys that are asked for of a part that says no more than it must. */
  private <T> Set<String> keysOf(Function<JobSection, T> read) {
    Set<String> names = new TreeSet<>();
    var smallest = new YamlNode.Mapping(1, Map.of("path", new YamlNode.Scalar(1, ".")));
    // What it says is of no use, only what it was asked for.
    Objects.requireNonNull(
        read.apply(new JobSection(file, name, smallest, key -> names.add(key.name()))));
    return names;
  }

  private <T> Optional<T> read(String key, JobType<T> type) {
    return Optional.ofNullable(mapping.entries().get(key))
        .map(node -> type.reader().read(new JobType.Entry(file, path(key), node)));
  }

  /** A path, relative to the job file's folder. */
  Path resolve(Path path) {
    Path folder = file.toAbsolutePath().getParent();
    return folder == null ? path : folder.resolve(path).normalize();
  }

  /** What {@code read} makes of this section; what it refuses is refused with the file's name. */
  <T> T checked(Function<JobSection, T> read) {
    try {
      return read.apply(this);
    } catch (IllegalArgumentException wrong) {
      throw new CheckpointException("%s: %s".formatted(file, wrong.getMessage()), wrong);
    }
  }
}
