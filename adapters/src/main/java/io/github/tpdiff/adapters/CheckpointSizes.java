package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A component's sizes, which follow from its tensors: the configuration may leave them out, but not
 * say others. Nothing larger than the tensors that are there is ever built.
 *
 * @param config of the component
 * @param weights under diffusers' names
 */
public record CheckpointSizes(ConfigFile config, TensorSource weights) {
  /**
   * An extent of a tensor.
   *
   * @param fields that the configuration may say it in, under any of these names
   * @throws io.github.tpdiff.weights.CheckpointException if a field says otherwise, or the tensor
   *     is not there
   */
  public int of(String tensor, int axis, String... fields) {
    int extent = extents().of(tensor, axis);
    agree(extent, "as tensor '%s' has it".formatted(tensor), fields);
    return extent;
  }

  /**
   * The tensors that are there of a numbered kind, from number 0.
   *
   * @param numbered the name with {@code %s} for the number
   * @param fields that the configuration may say the count in
   */
  public int count(String numbered, String... fields) {
    int count = extents().count(numbered);
    agree(count, "those in the checkpoint", fields);
    return count;
  }

  /** The extents along an axis of the tensors of a numbered kind, from number 0. */
  public List<Integer> each(String numbered, int axis, String... fields) {
    List<Integer> each =
        IntStream.range(0, extents().count(numbered))
            .mapToObj(number -> extents().of(numbered.formatted(number), axis))
            .toList();
    for (String field : fields) {
      config
          .findInts(field)
          .filter(said -> !said.equals(each))
          .ifPresent(
              said -> {
                throw config.wrong(field, each + ", as the tensors have it", said);
              });
    }
    return each;
  }

  /** Refuses fields that say other than what the tensors have. */
  public void agree(int there, String why, String... fields) {
    for (String field : fields) {
      config
          .findInt(field)
          .filter(said -> said != there)
          .ifPresent(
              said -> {
                throw config.wrong(field, there + ", " + why, said);
              });
    }
  }

  private TensorExtents extents() {
    return new TensorExtents(weights);
  }
}
