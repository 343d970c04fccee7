package io.github.tpdiff.weights.layout;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of a model's parts in its authors' layout and in diffusers', translated both ways.
 *
 * <p>A rule pairs two module names in which {@code {i}} stands for the same number. It also applies
 * to the module's tensors, whose last part ({@code .weight}, {@code .bias}, …) stays as it is.
 */
public final class KeyMap {

  private record Names(String original, String diffusers) {}

  private record Rule(Names names, Pattern original, Pattern diffusers, Pattern underscored) {}

  private final List<Rule> rules;

  private KeyMap(List<Rule> rules) {
    this.rules = List.copyOf(rules);
  }

  static Builder builder() {
    return new Builder();
  }

  /** Collects rules; the first that matches a name applies. */
  static final class Builder {

    private final List<Rule> rules = new ArrayList<>();

    private Builder() {}

    /** Adds a pair of module names. */
    Builder pair(String original, String diffusers) {
      rules.add(
          new Rule(
              new Names(original, diffusers),
              pattern(original),
              pattern(diffusers),
              pattern(original.replace('.', '_'))));
      return this;
    }

    /** Adds a module that both layouts name alike. */
    Builder same(String name) {
      return pair(name, name);
    }

    KeyMap build() {
      return new KeyMap(rules);
    }

    private static Pattern pattern(String name) {
      String numbered = Pattern.quote(name).replace("{i}", "\\E(\\d{1,6})\\Q");
      return Pattern.compile(numbered + "(\\.[a-z_]+)?");
    }
  }

  /** The diffusers name of a module or tensor of the original layout. */
  public Optional<String> toDiffusers(String original) {
    return rules.stream()
        .map(rule -> translated(rule.original().matcher(original), rule.names().diffusers()))
        .flatMap(Optional::stream)
        .findFirst();
  }

  /** The original name of a module or tensor of the diffusers layout. */
  public Optional<String> toOriginal(String diffusers) {
    return rules.stream()
        .map(rule -> translated(rule.diffusers().matcher(diffusers), rule.names().original()))
        .flatMap(Optional::stream)
        .findFirst();
  }

  /**
   * The diffusers name of a module of the original layout whose dots have become underscores, as in
   * kohya's LoRA files.
   */
  public Optional<String> underscoredToDiffusers(String underscored) {
    return rules.stream()
        .map(rule -> translated(rule.underscored().matcher(underscored), rule.names().diffusers()))
        .flatMap(Optional::stream)
        .findFirst();
  }

  /** Whether the name belongs to the model in either layout. */
  public boolean knows(String name) {
    return toDiffusers(name).isPresent() || toOriginal(name).isPresent();
  }

  private static Optional<String> translated(Matcher matcher, String template) {
    if (!matcher.matches()) {
      return Optional.empty();
    }
    String name = template;
    for (int group = 1; group < matcher.groupCount(); group++) {
      name = name.replaceFirst("\\{i}", matcher.group(group));
    }
    String suffix = matcher.group(matcher.groupCount());
    return Optional.of(suffix == null ? name : name + suffix);
  }
}
