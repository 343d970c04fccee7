package io.github.tpdiff.runtime.model;

import io.github.tpdiff.weights.DType;
import java.nio.file.Path;
import java.util.List;

/**
 * A model size that can be written with made-up weights in the published folder layout, to try,
 * time and price things before anything is downloaded.
 */
public interface CheckpointTemplate {
  /** One line for the user: what the sizes are and what the weights are good for. */
  String description();

  /** The components it can write, named as their folders. */
  List<String> components();

  /** Those of {@link #components()} that are written unless the user says otherwise. */
  List<String> defaultComponents();

  /**
   * Writes the checkpoint as a stream: memory does not grow with its size.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if the folder holds something already, a
   *     component is unknown, or the disk refuses
   */
  void write(Order order);

  /**
   * What to write.
   *
   * @param folder made if it is missing
   * @param dtype F32, F16 or BF16
   * @param components some of {@link CheckpointTemplate#components()}
   * @param progress told of every tensor
   */
  record Order(Path folder, DType dtype, List<String> components, Progress progress) {
    public Order {
      components = List.copyOf(components);
    }
  }

  /** Follows a checkpoint being written. */
  @FunctionalInterface
  interface Progress {
    /** Called after each tensor with the bytes written so far and those of all components. */
    void written(long bytes, long total);
  }
}
