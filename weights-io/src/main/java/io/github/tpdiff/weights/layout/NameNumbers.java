package io.github.tpdiff.weights.layout;

import java.util.Collection;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The numbers that occur in names, from which a network's depth follows. */
final class NameNumbers {

  private NameNumbers() {}

  /** One more than the largest number at {@code {i}} in names that start so; empty if none do. */
  static Optional<Integer> count(Collection<String> names, String start) {
    return at(names, start).max(Integer::compare).map(largest -> largest + 1);
  }

  /** The smallest number at {@code {i}} in names that start so. */
  static Optional<Integer> first(Collection<String> names, String start) {
    return at(names, start).min(Integer::compare);
  }

  private static Stream<Integer> at(Collection<String> names, String start) {
    Pattern pattern =
        Pattern.compile(Pattern.quote(start).replace("{i}", "\\E(\\d{1,4})\\Q") + "(\\..*)?");
    return names.stream()
        .map(pattern::matcher)
        .filter(matcher -> matcher.matches())
        .map(MatchResult.class::cast)
        .map(result -> Integer.valueOf(result.group(1)));
  }
}
