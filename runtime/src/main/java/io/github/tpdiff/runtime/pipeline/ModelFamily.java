package io.github.tpdiff.runtime.pipeline;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;

/** A family of video models; implementations are found through {@link ServiceLoader}. */
public interface ModelFamily {
  /** Lower-case name, e.g. {@code wan}. */
  String name();

  /** True if {@code folder} looks like a checkpoint of this family, in any published layout. */
  boolean recognises(Path folder);

  /**
   * Opens a checkpoint folder. Components whose files are absent are absent from the model.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if what is there cannot be used
   */
  VideoModel open(Path folder);

  /** Sizes of this family that can be written with made-up weights, by name. */
  default Map<String, CheckpointTemplate> templates() {
    return Map.of();
  }

  /** All families on the class path. */
  static List<ModelFamily> all() {
    return ServiceLoader.load(ModelFamily.class).stream().map(ServiceLoader.Provider::get).toList();
  }
}
