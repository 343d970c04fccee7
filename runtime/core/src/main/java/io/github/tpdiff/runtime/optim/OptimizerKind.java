package io.github.tpdiff.runtime.optim;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.weights.TensorInfo;
import java.util.List;

/** Which optimizer moves trained tensors along their gradients, with its numbers. */
public sealed interface OptimizerKind permits AdamW, AdamW8bit, Adafactor, Prodigy, Lion {
  /**
   * The tensors that it remembers of a weight; before the first step zero, unless {@link
   * RememberedTensors#beginsAsWeight}.
   */
  List<TensorInfo> remembered(TensorInfo weight);

  /** About how many bytes it remembers for each value of a large matrix. */
  double bytesPerValue();

  /** Whether each tensor may have a learning rate of its own. */
  default boolean takesSeveralRates() {
    return true;
  }

  /**
   * Checks decays of means.
   *
   * @throws IllegalArgumentException if one is out of range
   */
  static void requireBetas(double beta1, double beta2) {
    checkArgument(
        beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1,
        "train.betas: each in [0, 1), found %s, %s",
        beta1,
        beta2);
  }

  /**
   * Checks a number of {@code train}.
   *
   * @throws IllegalArgumentException if it is not positive
   */
  static void requirePositive(String key, double value) {
    checkArgument(
        value > 0 && Double.isFinite(value), "train.%s: must be positive, found %s", key, value);
  }

  /**
   * Checks a share that a step takes away.
   *
   * @throws IllegalArgumentException if it is negative
   */
  static void requireWeightDecay(double value) {
    checkArgument(
        value >= 0 && Double.isFinite(value), "train.weight_decay: at least 0, found %s", value);
  }
}
