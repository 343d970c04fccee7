package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A network found in a checkpoint.
 *
 * @param prefix what its names start with there
 * @param names its tensors there, with the prefix
 */
public record FoundNetwork(Network network, Layout layout, String prefix, Set<String> names) {

  /** What checkpoints of several networks, and repackaged ones, put in front of every name. */
  static final List<String> PREFIXES =
      List.of(
          "",
          "model.diffusion_model.",
          "diffusion_model.",
          "first_stage_model.",
          "cond_stage_model.transformer.",
          "visual.",
          "module.",
          "model.",
          "transformer.",
          "unet.",
          "vae.",
          "text_encoder.");

  public FoundNetwork {
    names = Collections.unmodifiableSet(new LinkedHashSet<>(names));
  }

  /** The network among these names, if most of them, or most of its modules, are there. */
  static Optional<FoundNetwork> find(Network network, Collection<String> names) {
    FoundNetwork best = null;
    for (String prefix : PREFIXES) {
      List<String> prefixed = names.stream().filter(name -> name.startsWith(prefix)).toList();
      if (prefixed.isEmpty() || (best != null && best.names().size() >= prefixed.size())) {
        continue;
      }
      Set<String> plain =
          prefixed.stream()
              .map(name -> name.substring(prefix.length()))
              .collect(Collectors.toCollection(LinkedHashSet::new));
      KeyMap keys = network.keys(plain);
      List<String> known = plain.stream().filter(keys::knows).toList();
      boolean enough =
          2 * known.size() > plain.size() || 2 * modules(keys, known) > keys.rules().size();
      if (enough && (best == null || known.size() > best.names().size())) {
        best =
            new FoundNetwork(
                network,
                layout(network, prefix, keys, known),
                prefix,
                known.stream()
                    .map(prefix::concat)
                    .collect(Collectors.toCollection(LinkedHashSet::new)));
      }
    }
    return Optional.ofNullable(best);
  }

  private static long modules(KeyMap keys, List<String> names) {
    return names.stream()
        .flatMap(name -> keys.matchDiffusers(name).or(() -> keys.matchOriginal(name)).stream())
        .map(KeyMap.Match::rule)
        .distinct()
        .count();
  }

  private static Layout layout(Network network, String prefix, KeyMap keys, List<String> names) {
    int original = 0;
    int diffusers = 0;
    for (String name : names) {
      boolean isOriginal = keys.matchOriginal(name).isPresent();
      boolean isDiffusers = keys.matchDiffusers(name).isPresent();
      original += isOriginal && !isDiffusers ? 1 : 0;
      diffusers += isDiffusers && !isOriginal ? 1 : 0;
    }
    // Where both layouts have the same names, the prefix decides.
    boolean packed = !prefix.isEmpty() && prefix.equals(network.prefix());
    return original > diffusers || (original == diffusers && packed)
        ? Layout.ORIGINAL
        : Layout.DIFFUSERS;
  }

  /** Its names without the prefix. */
  Set<String> plainNames() {
    return names.stream()
        .map(name -> name.substring(prefix.length()))
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /** The pairs of names of a network of this size. */
  public KeyMap keys() {
    return network.keys(plainNames());
  }

  /**
   * The tensors under diffusers' names, the prefix removed; what the source holds under the same
   * prefix and no network explains stays. Closing the view closes the source.
   */
  public TensorSource asDiffusers(TensorSource source) {
    TensorSource plain = prefix.isEmpty() ? source : source.renamed(this::plain);
    return layout == Layout.ORIGINAL
        ? Translation.fromOriginal(plain, keys())
        : Translation.modernised(plain, keys());
  }

  private Optional<String> plain(String name) {
    return Optional.of(name)
        .filter(full -> full.startsWith(prefix))
        .map(full -> full.substring(prefix.length()));
  }

  /** This network's tensors alone, in the layout asked for, without a prefix. */
  public TensorSource as(Layout wanted, TensorSource source) {
    TensorSource own = source.renamed(name -> Optional.of(name).filter(names::contains));
    TensorSource diffusers = asDiffusers(own);
    return wanted == Layout.ORIGINAL ? Translation.toOriginal(diffusers, keys()) : diffusers;
  }

  /** Tensors that a network of this size should have and that are not there, as it names them. */
  public List<String> missing() {
    KeyMap keys = keys();
    List<String> missing = new ArrayList<>();
    for (String name : Completeness.missing(keys, diffusersNames(keys))) {
      missing.add(
          layout == Layout.ORIGINAL ? prefix + keys.toOriginal(name).orElse(name) : prefix + name);
    }
    return missing;
  }

  private Set<String> diffusersNames(KeyMap keys) {
    Set<String> diffusers = new TreeSet<>();
    for (String name : plainNames()) {
      Optional<KeyMap.Match> match =
          layout == Layout.ORIGINAL ? keys.matchOriginal(name) : keys.matchDiffusers(name);
      match.ifPresent(
          found -> {
            if (layout == Layout.ORIGINAL) {
              for (int i = 0; i < found.rule().diffusers().size(); i++) {
                diffusers.add(found.diffusers(i));
              }
            } else {
              diffusers.add(found.diffusers(found.place()));
            }
          });
    }
    return diffusers;
  }
}
