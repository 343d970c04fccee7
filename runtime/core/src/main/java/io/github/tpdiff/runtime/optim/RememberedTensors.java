package io.github.tpdiff.runtime.optim;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;

/** Tensors of an optimizer's state, as a run that goes on finds them. */
public final class RememberedTensors {
  private RememberedTensors() {}

  /** Whether a tensor is its weight's own values before the first step, and not zero. */
  public static boolean beginsAsWeight(TensorInfo info) {
    return info.name().startsWith(Prodigy.START) || RunningMean.isOne(info);
  }

  /**
   * A tensor that a state must have.
   *
   * @throws CheckpointException if it is missing, of another type or of another shape
   */
  public static TensorInfo require(TensorSource state, TensorInfo expected) {
    TensorInfo found = state.require(expected.name());
    if (!found.equals(expected)) {
      boolean sameType = found.dtype() == expected.dtype();
      throw new CheckpointException(
          "%s: tensor '%s': expected %s, found %s"
              .formatted(
                  state.origin(),
                  expected.name(),
                  sameType ? expected.shape() : expected.dtype() + " " + expected.shape(),
                  sameType ? found.shape() : found.dtype() + " " + found.shape()));
    }
    return found;
  }
}
