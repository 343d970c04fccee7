package io.github.tpdiff.lora.optim;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * The learning rate of each step: a linear rise to {@code base} over the warm-up, then constant,
 * linear or cosine.
 *
 * @param base the highest rate
 * @param warmupSteps steps until it is reached
 * @param decay what follows
 * @param totalSteps where a decay ends
 */
public record LearningRate(double base, int warmupSteps, Decay decay, int totalSteps) {
  /** What follows the warm-up. */
  public enum Decay {
    CONSTANT,
    LINEAR,
    /** Half a cosine down to 0. */
    COSINE
  }

  /**
   * @throws IllegalArgumentException if a value is out of range
   */
  public LearningRate {
    checkArgument(
        base > 0 && Double.isFinite(base), "train.learning_rate: must be positive, found %s", base);
    checkArgument(warmupSteps >= 0, "train.warmup_steps: at least 0, found %s", warmupSteps);
    checkArgument(totalSteps >= 1, "train.steps: at least 1, found %s", totalSteps);
  }

  public static LearningRate constant(double rate) {
    return new LearningRate(rate, 0, Decay.CONSTANT, 1);
  }

  /** The rate of step {@code step}, from 0. */
  public double at(int step) {
    if (step < warmupSteps) {
      return base * (step + 1) / warmupSteps;
    }
    double done =
        Math.min(1, (step - warmupSteps) / (double) Math.max(1, totalSteps - warmupSteps));
    return switch (decay) {
      case CONSTANT -> base;
      case LINEAR -> base * (1 - done);
      case COSINE -> base * 0.5 * (1 + Math.cos(Math.PI * done));
    };
  }
}
