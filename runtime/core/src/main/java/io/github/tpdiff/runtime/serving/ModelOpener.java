package io.github.tpdiff.runtime.serving;

import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import java.util.List;

/**
 * What the name of a model stands for: an export or a checkpoint, on an engine.
 *
 * <p>Asked by several threads, also while parts that it opened earlier are in use.
 */
@FunctionalInterface
public interface ModelOpener extends AutoCloseable {
  /**
   * Opens the model without loading a component; the caller closes the parts.
   *
   * @param loras to put on it, in this order
   * @throws IllegalArgumentException if a LoRA does not fit the model, in one line
   * @throws io.github.tpdiff.weights.CheckpointException if a file cannot be read
   */
  PipelineParts open(List<LoraChoice> loras);

  /** Closes what all that was opened here has in common, after that. */
  @Override
  default void close() {}
}
