package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.layout.KeyMap.Match;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What is missing in a network by its own structure: modules that its other blocks have, numbers
 * left out, a weight or a bias that other modules of the same name have.
 */
final class Completeness {

  private final KeyMap keys;
  private final Set<String> names;

  /** Last parts of tensors' names by the module's own name, such as {@code to_q}. */
  private final Map<String, Set<String>> suffixes = new HashMap<>();

  /** Numbers in each scope that occurs. */
  private final Map<String, Set<List<String>>> instances = new TreeMap<>();

  private final Map<String, List<NameTemplate>> outer = new HashMap<>();

  private Completeness(KeyMap keys, Set<String> names) {
    this.keys = keys;
    this.names = names;
  }

  /** Names in diffusers' layout that should be there. */
  static List<String> missing(KeyMap keys, Set<String> names) {
    return new Completeness(keys, names).missing();
  }

  private List<String> missing() {
    for (String name : names) {
      keys.matchDiffusers(name).ifPresent(this::note);
    }
    closeGaps();
    Set<String> missing = new TreeSet<>();
    for (KeyRule rule : keys.rules()) {
      if (rule.optional()) {
        continue;
      }
      String scope = rule.scope().toString();
      Set<List<String>> present =
          scope.isEmpty() ? Set.of(List.of()) : instances.getOrDefault(scope, Set.of());
      for (List<String> numbers : present) {
        for (int part = 0; part < rule.diffusers().size(); part++) {
          missing.addAll(missing(rule, part, numbers));
        }
      }
    }
    return new ArrayList<>(missing);
  }

  private void note(Match match) {
    NameTemplate module = match.rule().diffusers().get(match.place()).name();
    Set<String> known = suffixes.computeIfAbsent(own(module), key -> new TreeSet<>());
    known.add(match.suffix());
    if (match.suffix().equals(".bias")) {
      known.add(".weight");
    }
    for (NameTemplate outer : around(match.rule().scope().toString())) {
      instances
          .computeIfAbsent(outer.toString(), key -> new HashSet<>())
          .add(match.numbers().subList(0, outer.openPlaces()));
    }
  }

  /** The scope and every scope that it lies in: they are there too. */
  private List<NameTemplate> around(String scope) {
    return outer.computeIfAbsent(
        scope,
        inner ->
            keys.rules().stream()
                .map(KeyRule::scope)
                .filter(other -> (inner + ".").startsWith(other + "."))
                .toList());
  }

  /** A scope with one open number has all numbers up to its largest. */
  private void closeGaps() {
    for (Map.Entry<String, Set<List<String>>> entry : instances.entrySet()) {
      Set<List<String>> numbers = entry.getValue();
      if (numbers.stream().allMatch(open -> open.size() == 1)) {
        int largest =
            numbers.stream().mapToInt(open -> Integer.parseInt(open.get(0))).max().orElse(-1);
        for (int i = 0; i < largest; i++) {
          numbers.add(List.of(Integer.toString(i)));
        }
      }
    }
    for (String scope : List.copyOf(instances.keySet())) {
      int dot = scope.lastIndexOf('.');
      if (scope.substring(dot + 1).matches("\\d{1,4}")) {
        int number = Integer.parseInt(scope.substring(dot + 1));
        for (int i = 0; i < number; i++) {
          instances
              .computeIfAbsent(scope.substring(0, dot + 1) + i, key -> new HashSet<>())
              .add(List.of());
        }
      }
    }
  }

  private List<String> missing(KeyRule rule, int part, List<String> numbers) {
    NameTemplate module = rule.diffusers().get(part).name();
    if (module.openPlaces() != numbers.size()) {
      return List.of();
    }
    Set<String> expected = Optional.ofNullable(suffixes.get(own(module))).orElse(Set.of(".weight"));
    return expected.stream()
        .map(suffix -> module.fill(numbers) + suffix)
        .filter(name -> !names.contains(name))
        .toList();
  }

  /** The module's name without those of the modules it lies in. */
  private static String own(NameTemplate module) {
    String name = module.toString();
    String last = name.substring(name.lastIndexOf('.') + 1);
    int dot = name.lastIndexOf('.');
    boolean number = last.matches("\\d+|\\{i}");
    return number ? name.substring(name.lastIndexOf('.', dot - 1) + 1) : last;
  }
}
