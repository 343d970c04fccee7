package io.github.tpdiff.runtime.optim;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;

/**
 * An exponential moving average of the trained values, as {@code diffusers.training_utils.EMAModel}
 * takes it: in its first steps the decay is smaller, so that the first values are soon forgotten.
 *
 * @param decay of the mean in a step, once there have been many
 */
public record RunningMean(double decay) {
  /** Of the state: the mean of a weight's values, in the weight's shape. */
  private static final String MEAN = "ema.";

  /**
   * @throws IllegalArgumentException if the decay is out of range
   */
  public RunningMean {
    checkArgument(decay > 0 && decay < 1, "train.ema: above 0 and below 1, found %s", decay);
  }

  /** Where the mean of a weight lies in a state. */
  public static TensorInfo remembered(TensorInfo weight) {
    return new TensorInfo(MEAN + weight.name(), DType.F32, weight.shape());
  }

  static boolean isOne(TensorInfo info) {
    return info.name().startsWith(MEAN);
  }

  /** How far the mean goes to the new values after a step, from 1. */
  public float toValue(int step) {
    double now = step == 1 ? 0 : Math.min(decay, step / (9.0 + step));
    return (float) (1 - now);
  }
}
