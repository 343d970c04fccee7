package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The networks of Wan 2.1, each published under its authors' names and under those of diffusers (or
 * transformers, for the text encoder).
 */
public enum WanComponent {
  /** The video transformer, with the image branch of the image-to-video models. */
  TRANSFORMER,
  /** The causal video autoencoder. */
  VAE,
  /** The UMT5 encoder. */
  TEXT_ENCODER;

  /** What repackaged checkpoints put in front of every name. */
  private static final List<String> PREFIXES =
      List.of("model.diffusion_model.", "diffusion_model.", "module.", "model.");

  /** The pairs of names. */
  public KeyMap keys() {
    return switch (this) {
      case TRANSFORMER -> WanKeys.TRANSFORMER;
      case VAE -> WanKeys.VAE;
      case TEXT_ENCODER -> WanKeys.TEXT_ENCODER;
    };
  }

  /** The component whose tensors these are, in whichever layout, by their names. */
  public static Optional<WanComponent> detect(Set<String> names) {
    return Arrays.stream(values())
        .max(Comparator.comparingLong(component -> component.known(names)))
        .filter(component -> 2 * component.known(names) > names.size());
  }

  /** Whether the names are those of the authors' layout, prefixed or not. */
  public boolean isOriginal(Set<String> names) {
    String prefix = prefix(names);
    return names.stream()
        .filter(name -> name.startsWith(prefix))
        .map(name -> name.substring(prefix.length()))
        .anyMatch(
            name -> keys().toDiffusers(name).filter(other -> !other.equals(name)).isPresent());
  }

  /**
   * The tensors under diffusers' names, whatever layout they have; names of neither layout stay.
   *
   * @throws CheckpointException when most of the names belong to something else
   */
  public TensorSource asDiffusers(TensorSource source) {
    Set<String> names = source.names();
    if (2 * known(names) <= names.size()) {
      throw new CheckpointException(
          "%s: expected the tensors of a Wan 2.1 %s, found %s%s"
              .formatted(
                  source.origin(),
                  name(),
                  names.stream().limit(3).toList(),
                  detect(names).map(other -> ", which is a " + other).orElse("")));
    }
    String prefix = prefix(names);
    boolean original = isOriginal(names);
    if (prefix.isEmpty() && !original) {
      return source;
    }
    return source.renamed(
        name ->
            Optional.of(name)
                .filter(full -> full.startsWith(prefix))
                .map(full -> full.substring(prefix.length()))
                .map(plain -> original ? keys().toDiffusers(plain).orElse(plain) : plain));
  }

  private long known(Set<String> names) {
    String prefix = prefix(names);
    return names.stream()
        .filter(name -> name.startsWith(prefix))
        .filter(name -> keys().knows(name.substring(prefix.length())))
        .count();
  }

  private static String prefix(Set<String> names) {
    return PREFIXES.stream()
        .filter(prefix -> names.stream().anyMatch(name -> name.startsWith(prefix)))
        .findFirst()
        .orElse("");
  }
}
