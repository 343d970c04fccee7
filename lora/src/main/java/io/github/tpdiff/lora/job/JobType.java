package io.github.tpdiff.lora.job;

import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * How a value is written in a job file.
 *
 * @param label in words, as errors and the page of keys say it
 * @param reader of a node
 * @param writer its inverse, of defaults
 */
record JobType<T>(String label, Reader<T> reader, Function<T, String> writer) {
  /** Decimal, as YAML and JSON have it: neither Java's suffixes nor what is no number. */
  private static final Pattern DECIMAL =
      Pattern.compile("[-+]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][-+]?\\d{1,3})?");

  static final JobType<String> TEXT = scalar("a text", Function.identity(), t -> '"' + t + '"');

  /** A text with something in it. */
  static final JobType<String> WORDS =
      scalar("a text that is not empty", JobType::words, t -> '"' + t + '"');

  static final JobType<Integer> WHOLE =
      scalar("a whole number", t -> Integer.valueOf(t.replace("_", "")), String::valueOf);
  static final JobType<Long> LONG =
      scalar("a whole number", t -> Long.valueOf(t.replace("_", "")), String::valueOf);
  static final JobType<Double> NUMBER = scalar("a number", JobType::decimal, JobType::shortest);
  static final JobType<Boolean> FLAG = scalar("true or false", JobType::flag, String::valueOf);

  /** What makes a value of a key's node. */
  interface Reader<T> {
    T read(Entry entry);
  }

  /**
   * A key's node, and where it is.
   *
   * @param file of the job
   * @param path of the key
   */
  record Entry(Path file, String path, YamlNode node) {
    Entry at(YamlNode part) {
      return new Entry(file, path, part);
    }

    String mismatch(String expected) {
      return "%s: line %d: %s: expected %s, found %s%s"
          .formatted(
              file,
              node.line(),
              path,
              expected,
              node.words(),
              node instanceof YamlNode.Nothing ? ": leave the key out for its default" : "");
    }
  }

  /** A value without parts; {@code parse} throws {@link IllegalArgumentException}. */
  static <T> JobType<T> scalar(
      String label, Function<String, T> parse, Function<T, String> writer) {
    Reader<T> reader =
        entry -> {
          if (!(entry.node() instanceof YamlNode.Scalar scalar)) {
            throw new CheckpointException(entry.mismatch(label));
          }
          try {
            return parse.apply(scalar.text());
          } catch (IllegalArgumentException wrong) {
            throw new CheckpointException(entry.mismatch(label), wrong);
          }
        };
    return new JobType<>(label, reader, writer);
  }

  /**
   * A path, relative to the job file's folder.
   *
   * @param label what is there
   */
  static JobType<Path> path(String label) {
    return scalar(label, JobType::pathText, Path::toString);
  }

  private static String words(String text) {
    if (text.isBlank()) {
      throw new IllegalArgumentException("blank");
    }
    return text;
  }

  private static Path pathText(String text) {
    if (text.isBlank()) {
      throw new IllegalArgumentException("blank");
    }
    return Path.of(text);
  }

  /** One of an enum's constants, in lower case. */
  static <E extends Enum<E>> JobType<E> choice(Class<E> type) {
    var words = new Words<>(type);
    return scalar(
        words.all().stream().sorted().collect(Collectors.joining(", ", "one of ", "")),
        words::require,
        Words::of);
  }

  /** A list, or one value that stands for a list of one. */
  static <T> JobType<List<T>> list(String label, JobType<T> item) {
    return new JobType<>(
        label,
        entry -> {
          List<YamlNode> nodes =
              entry.node() instanceof YamlNode.Sequence sequence
                  ? sequence.items()
                  : List.of(entry.node());
          var values = new ArrayList<T>();
          nodes.forEach(node -> values.add(item.reader().read(entry.at(node))));
          return List.copyOf(values);
        },
        values -> values.stream().map(item.writer()).collect(Collectors.joining(", ", "[", "]")));
  }

  /** A list with something in it. */
  static <T> JobType<List<T>> filled(String label, JobType<T> item) {
    JobType<List<T>> any = list(label, item);
    return new JobType<>(
        label,
        entry -> {
          List<T> values = any.reader().read(entry);
          if (values.isEmpty()) {
            throw new CheckpointException(
                entry.mismatch(label) + ": leave the key out for its default");
          }
          return values;
        },
        any.writer());
  }

  /** Rates of a stage over the one before: a number along time alone, or one for each axis. */
  static JobType<GridFactor> rate() {
    return overAxes(
        "a whole number from 1",
        "three such as [2, 2, 2]",
        text -> GridFactor.ofTime(Integer.parseInt(text)).time(),
        rates ->
            rates.size() == 1
                ? GridFactor.ofTime(rates.get(0))
                : new GridFactor(rates.get(0), rates.get(1), rates.get(2)));
  }

  /** Which positions the network is told: a word for all axes, or one for each. */
  static JobType<PositionRules> positions() {
    var words = new Words<>(PositionRule.class);
    return overAxes(
        choice(PositionRule.class).label(),
        "three for time, height and width",
        words::require,
        rules ->
            rules.size() == 1
                ? PositionRules.all(rules.get(0))
                : new PositionRules(rules.get(0), rules.get(1), rules.get(2)));
  }

  /**
   * One value, or a list of one for each axis.
   *
   * @param one in words
   * @param three in words
   * @param parse of one; throws {@link IllegalArgumentException}
   * @param make of one or three
   */
  private static <A, T> JobType<T> overAxes(
      String one, String three, Function<String, A> parse, Function<List<A>, T> make) {
    String label = one + ", or " + three;
    JobType<A> alone = scalar(label, parse, String::valueOf);
    JobType<A> ofAnAxis = scalar(one, parse, String::valueOf);
    return new JobType<>(
        label,
        entry -> {
          if (!(entry.node() instanceof YamlNode.Sequence axes)) {
            return make.apply(List.of(alone.reader().read(entry)));
          }
          if (axes.items().size() != GridAxis.values().length) {
            throw new CheckpointException(entry.mismatch(label));
          }
          return make.apply(
              axes.items().stream().map(own -> ofAnAxis.reader().read(entry.at(own))).toList());
        },
        String::valueOf);
  }

  /** Names, each with a value. */
  static <T> JobType<Map<String, T>> byName(String label, JobType<T> value) {
    return new JobType<>(
        label,
        entry -> {
          if (!(entry.node() instanceof YamlNode.Mapping mapping)) {
            throw new CheckpointException(entry.mismatch(label + ", such as {name: value}"));
          }
          var values = new LinkedHashMap<String, T>();
          mapping
              .entries()
              .forEach(
                  (name, node) ->
                      values.put(
                          name,
                          value
                              .reader()
                              .read(new Entry(entry.file(), entry.path() + "." + name, node))));
          return values;
        },
        values ->
            values.entrySet().stream()
                .map(e -> e.getKey() + ": " + value.writer().apply(e.getValue()))
                .collect(Collectors.joining(", ", "{", "}")));
  }

  static OptionalInt optional(Optional<Integer> value) {
    return value.map(OptionalInt::of).orElseGet(OptionalInt::empty);
  }

  static OptionalDouble optionalDouble(Optional<Double> value) {
    return value.map(OptionalDouble::of).orElseGet(OptionalDouble::empty);
  }

  /** A number as YAML and JSON have it. */
  static Double decimal(String text) {
    Double value = DECIMAL.matcher(text).matches() ? Double.valueOf(text) : Double.NaN;
    if (!Double.isFinite(value)) {
      throw new NumberFormatException(text);
    }
    return value;
  }

  private static String shortest(double value) {
    return Double.toString(value).replace(".0E", "e").replace("E", "e").replaceFirst("\\.0$", "");
  }

  private static boolean flag(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException(text);
    };
  }
}
