package io.github.tpdiff.lora.job;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.NearestName;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * One section of a job file, read key by key; every key that is there must be known, and errors
 * name the file, the line and the key.
 */
final class JobSection {
  private final Path file;
  private final String name;
  private final int line;
  private final Map<String, YamlNode> entries;

  private JobSection(Path file, String name, YamlNode.Mapping mapping) {
    this.file = file;
    this.name = name;
    this.line = mapping.line();
    this.entries = mapping.entries();
  }

  static JobSection root(Path file) {
    if (YamlNode.read(file) instanceof YamlNode.Mapping mapping) {
      return new JobSection(file, "", mapping);
    }
    throw new CheckpointException("%s: expected sections such as 'model:'".formatted(file));
  }

  /** Refuses keys that are not among {@code known}. */
  JobSection knowing(String... known) {
    Set<String> names = new TreeSet<>(List.of(known));
    entries.forEach(
        (key, value) -> {
          if (!names.contains(key)) {
            throw error(
                value.line(),
                "unknown key '%s'%s; the nearest is '%s'"
                    .formatted(
                        key,
                        name.isEmpty() ? "" : " in " + name,
                        NearestName.of(key, names).orElse("")));
          }
        });
    return this;
  }

  private CheckpointException error(int at, String what) {
    return new CheckpointException("%s: line %d: %s".formatted(file, at, what));
  }

  private String path(String key) {
    return name.isEmpty() ? key : name + "." + key;
  }

  boolean has(String key) {
    return entries.containsKey(key);
  }

  /** A section of this one; empty if it is not there. */
  JobSection section(String key) {
    YamlNode node = entries.get(key);
    if (node == null) {
      return new JobSection(file, path(key), new YamlNode.Mapping(line, Map.of()));
    }
    if (node instanceof YamlNode.Mapping mapping) {
      return new JobSection(file, path(key), mapping);
    }
    String found =
        !(node instanceof YamlNode.Scalar scalar)
            ? "a list"
            : scalar.text().isEmpty() ? "nothing" : "'" + scalar.text() + "'";
    throw error(node.line(), "%s: expected keys and values, found %s".formatted(path(key), found));
  }

  Optional<String> text(String key) {
    return scalar(key, "a text", Function.identity());
  }

  String requireText(String key, String what) {
    return text(key)
        .filter(t -> !t.isBlank())
        .orElseThrow(() -> error(line, "%s: expected %s, found none".formatted(path(key), what)));
  }

  /** A path, relative to the job file's folder. */
  Path resolve(String path) {
    Path folder = file.toAbsolutePath().getParent();
    return folder == null ? Path.of(path) : folder.resolve(path).normalize();
  }

  Optional<Integer> integer(String key) {
    return scalar(key, "a whole number", t -> Integer.valueOf(t.replace("_", "")));
  }

  Optional<Long> bigInteger(String key) {
    return scalar(key, "a whole number", t -> Long.valueOf(t.replace("_", "")));
  }

  Optional<Double> number(String key) {
    return scalar(key, "a number", Double::valueOf);
  }

  Optional<Boolean> flag(String key) {
    return scalar(
        key,
        "true or false",
        text ->
            switch (text) {
              case "true" -> true;
              case "false" -> false;
              default -> throw new IllegalArgumentException(text);
            });
  }

  /** One of an enum's constants, in lower case. */
  <E extends Enum<E>> Optional<E> choice(String key, Class<E> type) {
    Set<String> names = new TreeSet<>();
    for (E constant : type.getEnumConstants()) {
      names.add(constant.name().toLowerCase(Locale.ROOT));
    }
    return scalar(
        key,
        "one of " + String.join(", ", names),
        t -> Enum.valueOf(type, t.toUpperCase(Locale.ROOT)));
  }

  private <T> Optional<T> scalar(String key, String what, Function<String, T> read) {
    YamlNode node = entries.get(key);
    return node == null ? Optional.empty() : Optional.of(value(key, node, what, read));
  }

  private <T> T value(String key, YamlNode node, String what, Function<String, T> read) {
    if (node instanceof YamlNode.Scalar scalar) {
      try {
        return read.apply(scalar.text());
      } catch (IllegalArgumentException wrong) {
        throw new CheckpointException(
            "%s: line %d: %s: expected %s, found '%s'"
                .formatted(file, node.line(), path(key), what, scalar.text()),
            wrong);
      }
    }
    throw error(node.line(), "%s: expected %s, found several values".formatted(path(key), what));
  }

  List<String> texts(String key) {
    return list(key, "a text", Function.identity());
  }

  List<Integer> integers(String key) {
    return list(key, "a whole number", Integer::valueOf);
  }

  List<Double> numbers(String key) {
    return list(key, "a number", Double::valueOf);
  }

  /** A list, or one value that stands for a list of one; empty if it is not there. */
  <T> List<T> list(String key, String what, Function<String, T> read) {
    YamlNode node = entries.get(key);
    if (node == null) {
      return List.of();
    }
    List<YamlNode> items =
        node instanceof YamlNode.Sequence sequence ? sequence.items() : List.of(node);
    var values = new ArrayList<T>();
    items.forEach(item -> values.add(value(key, item, what, read)));
    return List.copyOf(values);
  }

  /** Keys with whole numbers. */
  Map<String, Integer> integersByName(String key) {
    var values = new LinkedHashMap<String, Integer>();
    JobSection section = section(key);
    section.entries.keySet().forEach(k -> section.integer(k).ifPresent(v -> values.put(k, v)));
    return values;
  }

  /** Keys with texts. */
  Map<String, String> textsByName(String key) {
    var values = new LinkedHashMap<String, String>();
    JobSection section = section(key);
    section.entries.keySet().forEach(k -> section.text(k).ifPresent(v -> values.put(k, v)));
    return values;
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
