package io.github.tpdiff.runtime.engine;

import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Whether a checkpoint holds what a program reads; nothing of the tensors themselves is read. */
public final class ProgramWeights {
  private ProgramWeights() {}

  /**
   * Checks every weight, before anything is lowered.
   *
   * @throws CheckpointException naming file and tensor, if one is missing, misshapen or not of a
   *     floating type
   */
  public static void check(Program program, TensorSource source) {
    program
        .weights()
        .forEach(
            (name, value) ->
                findFault(source.require(name), value)
                    .ifPresent(
                        fault -> {
                          throw new CheckpointException(
                              "%s: tensor '%s': %s".formatted(source.origin(), name, fault));
                        }));
  }

  /** What is wrong with a tensor in the place of a program's weight, if anything is. */
  public static Optional<String> findFault(TensorInfo info, Value weight) {
    List<Long> expected = Arrays.stream(weight.shape().evaluate(Map.of())).boxed().toList();
    if (!info.shape().equals(expected)) {
      return Optional.of(
          "expected shape %s, found %s; is it the checkpoint of another model?"
              .formatted(expected, info.shape()));
    }
    return info.dtype().isFloating()
        ? Optional.empty()
        : Optional.of("expected a floating type, found %s".formatted(info.dtype()));
  }
}
