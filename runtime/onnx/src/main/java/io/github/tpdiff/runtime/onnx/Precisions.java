package io.github.tpdiff.runtime.onnx;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.base.Splitter;
import io.github.tpdiff.runtime.model.ComponentDescription;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The precision of each component.
 *
 * @param rest of what is not named
 * @param named by folder, such as {@code transformer}, or by what its name begins with before an
 *     underscore: {@code vae} is {@code vae_encoder} and {@code vae_decoder}, {@code transformer}
 *     also {@code transformer_2}, unless that is named itself
 */
public record Precisions(Precision rest, Map<String, Precision> named) {
  public Precisions {
    named = Map.copyOf(new TreeMap<>(named));
  }

  /** One for all. */
  public static Precisions all(Precision precision) {
    return new Precisions(precision, Map.of());
  }

  /**
   * From words such as {@code int8}, or {@code bf16,vae=fp32}, or {@code transformer=int8}, the
   * rest as in the checkpoint.
   *
   * @throws IllegalArgumentException naming what is not such a word
   */
  public static Precisions parse(String text) {
    var rest = Precision.KEEP;
    var named = new TreeMap<String, Precision>();
    boolean restNamed = false;
    for (String word : Splitter.on(',').trimResults().split(text)) {
      int equals = word.indexOf('=');
      if (equals < 0) {
        checkArgument(!restNamed, "precision: expected one for all the rest, found '%s'", text);
        rest = Precision.of(word);
        restNamed = true;
      } else {
        String name = word.substring(0, equals);
        Precision earlier = named.put(name, Precision.of(word.substring(equals + 1)));
        checkArgument(earlier == null, "precision: %s: expected once, found '%s'", name, text);
      }
    }
    return new Precisions(rest, named);
  }

  /**
   * That of a component.
   *
   * @param component as in {@link ComponentDescription}; the graphs of one folder share it
   */
  public Precision of(String component) {
    String folder = ComponentDescription.folderOf(component);
    for (String name = folder; ; name = name.substring(0, name.lastIndexOf('_'))) {
      Precision own = named.get(name);
      if (own != null || name.lastIndexOf('_') < 0) {
        return own == null ? rest : own;
      }
    }
  }

  /**
   * Checks that every name is one of a model.
   *
   * @throws IllegalArgumentException naming one that is not, and those there are
   */
  void requireNamesOf(Collection<String> components) {
    var folders = new TreeSet<String>();
    components.forEach(name -> folders.add(ComponentDescription.folderOf(name)));
    for (String name : named.keySet()) {
      checkArgument(
          folders.stream().anyMatch(f -> f.equals(name) || f.startsWith(name + "_")),
          "precision: expected components among %s, found '%s'",
          folders,
          name);
    }
  }

  /** As {@link #parse} reads it. */
  @Override
  public String toString() {
    var text = new StringBuilder(rest.word());
    new TreeMap<>(named).forEach((name, own) -> text.append(",%s=%s".formatted(name, own.word())));
    return text.toString();
  }
}
