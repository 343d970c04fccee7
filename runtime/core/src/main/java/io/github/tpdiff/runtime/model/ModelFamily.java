package io.github.tpdiff.runtime.model;

import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.Network;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;

/** A family of video models; implementations are found through {@link ServiceLoader}. */
public interface ModelFamily {
  /** Lower-case name, e.g. {@code wan}. */
  String name();

  /**
   * Which of the family's published models one works like, whatever its sizes, for those who are
   * shown it.
   */
  default String model(ModelDescription description) {
    return name();
  }

  /** True if {@code path} looks like a checkpoint of this family, in any published layout. */
  boolean recognises(Path path);

  /**
   * Opens what was asked for, whose parts and settings are known to be this family's. Components
   * whose files are absent are absent from the model.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if what is there cannot be used
   */
  VideoModel load(ModelRequest request);

  /** Names of the parts of a checkpoint that may lie elsewhere, as its folders are published. */
  List<String> parts();

  /** Choices that a user has when opening a checkpoint, and their values. */
  default Map<String, List<String>> settings() {
    return Map.of();
  }

  /**
   * Opens a checkpoint.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if what is there cannot be used, or the
   *     family has no such part or setting
   */
  default VideoModel open(ModelRequest request) {
    request.requireKnownTo(this);
    return load(request);
  }

  /** Opens a checkpoint that is all in one place, as it is. */
  default VideoModel open(Path path) {
    return open(ModelRequest.of(path));
  }

  /**
   * The fields of the {@code config.json} that a network of this family has in a layout, by its
   * tensors and by a configuration of any layout.
   *
   * @param layout of the fields
   * @param weights under diffusers' names
   * @param config a configuration, which may be absent or that of another network
   * @return nothing for a network of another family, or where the layout has no such file
   * @throws io.github.tpdiff.weights.CheckpointException saying what neither tells
   */
  default Optional<Map<String, Object>> configuration(
      Network network, Layout layout, TensorSource weights, Path config) {
    return Optional.empty();
  }

  /**
   * Files around the networks of a whole model of this family in diffusers' layout, by their paths
   * in its folder, and their fields.
   *
   * @param configurations fields of the networks, as {@link #configuration} gives them in
   *     diffusers' layout, by folder
   * @return nothing if the networks are not this family's
   */
  default Map<String, Map<String, ?>> surroundings(
      Set<Network> networks, Map<String, Map<String, Object>> configurations) {
    return Map.of();
  }

  /** Sizes of this family that can be written with made-up weights, by name. */
  default Map<String, CheckpointTemplate> templates() {
    return Map.of();
  }

  /** All families on the class path. */
  static List<ModelFamily> all() {
    return ServiceLoader.load(ModelFamily.class).stream().map(ServiceLoader.Provider::get).toList();
  }
}
