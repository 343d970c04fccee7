package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;

/**
 * Sizes of a network, read off its tensors.
 *
 * @param weights under the names of the network's programs
 */
public record TensorExtents(TensorSource weights) {
  /** More than any layer is wide; products of three fit a long. */
  private static final long LARGEST = ConfigFile.LARGEST_SIZE;

  /** Ten times what the deepest published networks have. */
  private static final int MOST_LAYERS = 1024;

  /**
   * The extent of one axis.
   *
   * @throws CheckpointException if there is no such tensor or axis, or its extent is not from 1 to
   *     about a million
   */
  public int of(String tensor, int axis) {
    List<Long> shape = weights.require(tensor).shape();
    if (shape.size() <= axis || shape.get(axis) < 1 || shape.get(axis) > LARGEST) {
      throw new CheckpointException(
          "%s: tensor '%s': expected %d or more dimensions from 1 to %d, found %s"
              .formatted(weights.origin(), tensor, axis + 1, LARGEST, shape));
    }
    return shape.get(axis).intValue();
  }

  /**
   * How many tensors there are in a row from 0 on.
   *
   * @param numbered a name with {@code %d} or {@code %s} in it
   */
  public int count(String numbered) {
    int count = 0;
    while (weights.find(numbered.formatted(count)).isPresent()) {
      count++;
      if (count > MOST_LAYERS) {
        throw new CheckpointException(
            "%s: tensor '%s': expected at most %d of its kind"
                .formatted(weights.origin(), numbered.formatted(count), MOST_LAYERS));
      }
    }
    return count;
  }
}
