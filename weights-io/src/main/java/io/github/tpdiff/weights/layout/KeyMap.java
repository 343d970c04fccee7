package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.layout.KeyRule.Form;
import io.github.tpdiff.weights.layout.KeyRule.Part;
import io.github.tpdiff.weights.layout.NameTemplate.Numbered;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * Names of a network's parts in its authors' layout and in diffusers', translated both ways.
 *
 * <p>A rule pairs two module names in which {@code {i}} stands for the same number. It also applies
 * to the module's tensors, whose last part ({@code .weight}, {@code .bias}, …) stays as it is.
 */
public final class KeyMap {

  /**
   * A name that a rule explains.
   *
   * @param place which of the rule's names on that side it is
   */
  record Match(KeyRule rule, int place, List<String> numbers, String suffix) {

    /** The diffusers name of a part. */
    String diffusers(int part) {
      return rule.diffusers().get(part).name().fill(numbers) + suffix;
    }

    /** The authors' name, or one of its repetitions. */
    String original(int repetition) {
      return rule.originals().get(repetition).fill(numbers) + suffix;
    }
  }

  private record Entry(KeyRule rule, int place, NameTemplate name) {}

  /** Entries by skeleton; the first that matches a name applies. */
  private static final class Index {
    private final Map<String, List<Entry>> entries = new HashMap<>();

    void add(Entry entry) {
      entries.computeIfAbsent(entry.name().skeleton(), key -> new ArrayList<>()).add(entry);
    }

    Optional<Match> find(String name, char separator) {
      Optional<Match> module = find(name, separator, "");
      int dot = name.lastIndexOf('.');
      return module.isPresent() || dot < 0 || !SUFFIX.matcher(name.substring(dot)).matches()
          ? module
          : find(name.substring(0, dot), separator, name.substring(dot));
    }

    private Optional<Match> find(String module, char separator, String suffix) {
      Numbered numbered = Numbered.of(module, separator);
      for (Entry entry : entries.getOrDefault(numbered.skeleton(), List.of())) {
        Optional<List<String>> numbers = entry.name().match(numbered);
        if (numbers.isPresent()) {
          return Optional.of(new Match(entry.rule(), entry.place(), numbers.get(), suffix));
        }
      }
      return Optional.empty();
    }
  }

  private static final Pattern SUFFIX = Pattern.compile("\\.[a-z_]+");

  private final List<KeyRule> rules;
  private final Index originals = new Index();
  private final Index diffusers = new Index();
  private final Index underscored = new Index();

  private KeyMap(Builder builder) {
    rules = List.copyOf(builder.rules);
    for (KeyRule rule : rules) {
      for (int i = 0; i < rule.originals().size(); i++) {
        NameTemplate name = rule.originals().get(i);
        originals.add(new Entry(rule, i, name));
        underscored.add(new Entry(rule, i, name.underscored()));
      }
      for (int i = 0; i < rule.diffusers().size(); i++) {
        diffusers.add(new Entry(rule, i, rule.diffusers().get(i).name()));
      }
    }
    for (KeyRule rule : rules) {
      for (int i = 0; i < rule.diffusers().size(); i++) {
        underscored.add(new Entry(rule, i, rule.diffusers().get(i).name().underscored()));
      }
    }
    builder.aliases.forEach(
        (alias, name) ->
            diffusers
                .find(name.fill(List.of()), '.')
                .ifPresent(to -> diffusers.add(new Entry(to.rule(), to.place(), alias))));
  }

  static Builder builder() {
    return new Builder();
  }

  /** Collects rules; the first that matches a name applies. */
  static final class Builder {

    private final List<KeyRule> rules = new ArrayList<>();
    private final Map<NameTemplate, NameTemplate> aliases = new LinkedHashMap<>();

    private Builder() {}

    /** Adds modules by their names within the whole network. */
    Builder add(Consumer<Block> modules) {
      modules.accept(new Block(this, "", ""));
      return this;
    }

    /** Adds the modules of a part of the network that is present as a whole or not at all. */
    Builder block(String original, String diffusers, Consumer<Block> modules) {
      modules.accept(new Block(this, original, diffusers));
      return this;
    }

    /** A further name that files of diffusers' layout use. */
    Builder alias(String other, String diffusers) {
      aliases.put(NameTemplate.of(other), NameTemplate.of(diffusers));
      return this;
    }

    /**
     * All names of diffusers' layout so far also without what they begin with: from version 5 on,
     * transformers writes its models without the name of the part that they consist of.
     */
    Builder aliasesWithout(String outermost) {
      for (KeyRule rule : rules) {
        for (Part part : rule.diffusers()) {
          String name = part.name().toString();
          if (name.startsWith(outermost)) {
            alias(name.substring(outermost.length()), name);
          }
        }
      }
      return this;
    }

    KeyMap build() {
      return new KeyMap(this);
    }
  }

  /** A part of a network under its two names. */
  static final class Block {

    private final Builder target;
    private final String original;
    private final String diffusers;

    private Block(Builder target, String original, String diffusers) {
      this.target = target;
      this.original = original;
      this.diffusers = diffusers;
    }

    /** Adds a pair of module names. */
    Block pair(String from, String to) {
      return rule(List.of(from), List.of(to), Form.ALIKE, false);
    }

    /** Adds a module that some models of the family lack. */
    Block optional(String from, String to) {
      return rule(List.of(from), List.of(to), Form.ALIKE, true);
    }

    /** Adds modules that both layouts name alike. */
    Block same(String... names) {
      for (String name : names) {
        pair(name, name);
      }
      return this;
    }

    /** Adds a convolution of kernel 1 that is a linear layer in diffusers. */
    Block pointwise(String from, String to) {
      return rule(List.of(from), List.of(to), Form.POINTWISE, false);
    }

    /** Adds a tensor that has axes of one in front in the original. */
    Block leading(String from, String to) {
      return rule(List.of(from), List.of(to), Form.LEADING_ONES, false);
    }

    /** Adds a module whose two halves of rows are the other way round. */
    Block swapped(String from, String to) {
      return rule(List.of(from), List.of(to), Form.SWAPPED_HALVES, false);
    }

    /** Adds a module that the original holds several times with the same values. */
    Block repeated(List<String> from, String to) {
      return rule(from, List.of(to), Form.ALIKE, true);
    }

    /** Adds modules whose rows the original stacks; a name may end in {@code *n}, its share. */
    Block stacked(String from, String... to) {
      return rule(List.of(from), List.of(to), Form.STACKED, false);
    }

    /** Adds the modules of a part of this part. */
    Block block(String from, String to, Consumer<Block> modules) {
      modules.accept(new Block(target, join(original, from), join(diffusers, to)));
      return this;
    }

    private Block rule(List<String> from, List<String> to, Form form, boolean isOptional) {
      target.rules.add(
          new KeyRule(
              from.stream().map(name -> NameTemplate.of(join(original, name))).toList(),
              to.stream().map(this::part).toList(),
              form,
              NameTemplate.of(diffusers),
              isOptional));
      return this;
    }

    private Part part(String name) {
      int star = name.indexOf('*');
      return star < 0
          ? new Part(NameTemplate.of(join(diffusers, name)), 1)
          : new Part(
              NameTemplate.of(join(diffusers, name.substring(0, star))),
              Integer.parseInt(name.substring(star + 1)));
    }

    private static String join(String block, String name) {
      return block.isEmpty() || name.isEmpty() ? block + name : block + "." + name;
    }
  }

  /** The diffusers name of a module or tensor of the original layout, where it is one. */
  public Optional<String> toDiffusers(String original) {
    return matchOriginal(original)
        .filter(match -> match.rule().form() != Form.STACKED)
        .map(match -> match.diffusers(0));
  }

  /**
   * The diffusers name of a module of either layout, where the layouts hold its rows alike: not of
   * a tensor.
   */
  public Optional<String> moduleToDiffusers(String name) {
    return matchOriginal(name)
        .filter(match -> match.rule().form() == Form.ALIKE)
        .map(match -> Map.entry(match, match.diffusers(0)))
        .or(
            () ->
                matchDiffusers(name).map(match -> Map.entry(match, match.diffusers(match.place()))))
        .filter(found -> found.getKey().suffix().isEmpty())
        .map(Map.Entry::getValue);
  }

  /** The original name of a module or tensor of the diffusers layout, where it has its own. */
  public Optional<String> toOriginal(String diffusersName) {
    return matchDiffusers(diffusersName)
        .filter(match -> match.rule().form() != Form.STACKED)
        .map(match -> match.original(0));
  }

  /**
   * The diffusers name of a module of either layout whose dots have become underscores, as in
   * kohya's LoRA files, where the layouts hold its rows alike.
   */
  public Optional<String> underscoredToDiffusers(String name) {
    return underscored
        .find(name, '_')
        .filter(match -> match.rule().form() == Form.ALIKE && match.suffix().isEmpty())
        .map(match -> match.diffusers(0));
  }

  /** Whether the name belongs to the network in either layout. */
  public boolean knows(String name) {
    return matchOriginal(name).isPresent() || matchDiffusers(name).isPresent();
  }

  Optional<Match> matchOriginal(String name) {
    return originals.find(name, '.');
  }

  Optional<Match> matchDiffusers(String name) {
    return diffusers.find(name, '.');
  }

  List<KeyRule> rules() {
    return rules;
  }
}
