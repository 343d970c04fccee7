package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The words by which the constants of an enum are said on a command line, in a job, in a published
 * configuration: their names in lower case.
 *
 * @param type the enum
 */
public record Words<E extends Enum<E>>(Class<E> type) {

  /** The word of a constant. */
  public static String of(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  /** Every word, in the order of the constants. */
  public List<String> all() {
    return Arrays.stream(type.getEnumConstants()).map(Words::of).toList();
  }

  /** The constant of a word, in any case. */
  public Optional<E> find(String word) {
    return Arrays.stream(type.getEnumConstants())
        .filter(constant -> of(constant).equals(word.toLowerCase(Locale.ROOT)))
        .findFirst();
  }

  /**
   * The constant of a word, in any case.
   *
   * @throws IllegalArgumentException if there is none, naming those there are
   */
  public E require(String word) {
    Optional<E> constant = find(word);
    checkArgument(
        constant.isPresent(), "expected one of %s, found '%s'", String.join(", ", all()), word);
    return constant.get();
  }
}
