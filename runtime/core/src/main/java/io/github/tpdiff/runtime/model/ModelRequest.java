package io.github.tpdiff.runtime.model;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.NearestName;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which checkpoint to open, and how.
 *
 * @param path a folder as published, or one file of several networks where the family has such
 * @param parts what lies elsewhere, by the name of its folder in the published layout, such as
 *     {@code vae}: a folder or a file
 * @param settings of the family's own, by name; see {@link ModelFamily#settings()}
 */
public record ModelRequest(Path path, Map<String, Path> parts, Map<String, String> settings) {
  public ModelRequest {
    parts = Map.copyOf(new LinkedHashMap<>(parts));
    settings = Map.copyOf(new LinkedHashMap<>(settings));
  }

  /** A checkpoint all in one place, opened as it is. */
  public static ModelRequest of(Path path) {
    return new ModelRequest(path, Map.of(), Map.of());
  }

  /** The place of a part that lies elsewhere. */
  public Optional<Path> part(String name) {
    return Optional.ofNullable(parts.get(name));
  }

  /** The value asked for. */
  public Optional<String> setting(String name) {
    return Optional.ofNullable(settings.get(name));
  }

  /**
   * Checks names and values against what a family knows.
   *
   * @throws CheckpointException naming the nearest part, setting or the values there are
   */
  void requireKnownTo(ModelFamily family) {
    parts.keySet().forEach(name -> requireKnown("part", name, family.parts()));
    settings.forEach(
        (name, value) -> {
          requireKnown("setting", name, family.settings().keySet());
          if (!family.settings().getOrDefault(name, List.of()).contains(value)) {
            throw new CheckpointException(
                "setting %s: expected one of %s, found '%s'"
                    .formatted(name, family.settings().get(name), value));
          }
        });
  }

  private void requireKnown(String kind, String name, Collection<String> known) {
    if (!known.contains(name)) {
      throw new CheckpointException(
          "%s: no %s '%s' in this family, expected one of %s%s"
              .formatted(
                  path,
                  kind,
                  name,
                  known,
                  NearestName.of(name, known).map(near -> "; the nearest is " + near).orElse("")));
    }
  }
}
