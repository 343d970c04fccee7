package io.github.tpdiff.weights.lora;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Numbers of the modules that patterns name, as PEFT reads them: a pattern is a regular expression
 * for a module's name or for the end of it after a dot, and the first that matches decides ({@code
 * get_pattern_key} of peft 0.21).
 *
 * <p>Patterns come from files: matching takes time linear in the name, by RE2, which has neither
 * looking around nor back references.
 */
record ModulePatterns(List<Entry> entries) {

  /** A pattern and its number. */
  record Entry(Pattern pattern, double value) {}

  static final ModulePatterns NONE = new ModulePatterns(List.of());

  /** Of a pattern, whose program grows with it. */
  private static final int MAX_LENGTH = 1000;

  /** Of repetitions written as numbers, multiplied: they multiply the program. */
  private static final int MAX_REPETITIONS = 1000;

  private static final Pattern REPETITION = Pattern.compile("\\{(\\d*),?(\\d*)\\}");

  ModulePatterns {
    entries = List.copyOf(entries);
  }

  /**
   * Compiles patterns.
   *
   * @param where they were found, for messages
   * @throws CheckpointException when one is no regular expression, or too large a one
   */
  static ModulePatterns of(String where, Map<String, Double> numbers) {
    List<Entry> entries = new ArrayList<>();
    numbers.forEach((text, value) -> entries.add(new Entry(compile(where, text), value)));
    return new ModulePatterns(entries);
  }

  private static Pattern compile(String where, String text) {
    if (text.length() > MAX_LENGTH || repetitions(text) > MAX_REPETITIONS) {
      throw new CheckpointException(
          "%s: expected a pattern of at most %d characters and %d repetitions, found '%s'"
              .formatted(where, MAX_LENGTH, MAX_REPETITIONS, text));
    }
    try {
      return Pattern.compile("(?:.*\\.)?(?:" + text + ")");
    } catch (PatternSyntaxException broken) {
      throw new CheckpointException(
          "%s: expected a regular expression without looking around or back references, found '%s': %s"
              .formatted(where, text, broken.getDescription()),
          broken);
    }
  }

  private static double repetitions(String text) {
    double product = 1;
    var found = REPETITION.matcher(text);
    while (found.find()) {
      for (int group = 1; group <= 2; group++) {
        String count = found.group(group);
        product *= count == null || count.isEmpty() ? 1 : Math.max(1, Double.parseDouble(count));
      }
    }
    return product;
  }

  /** The number of the first pattern that names the module. */
  Optional<Double> find(String module) {
    return entries.stream()
        .filter(entry -> entry.pattern().matches(module))
        .map(Entry::value)
        .findFirst();
  }
}
