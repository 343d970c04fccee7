package io.github.tpdiff.lora.optim;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * The learning rate of each step: a linear rise to {@code base} over the warm-up, then one of the
 * curves of {@code diffusers.optimization}.
 *
 * @param base the highest rate
 * @param warmupSteps steps until it is reached
 * @param decay what follows
 * @param totalSteps where a decay ends
 * @param curve what a decay leaves open
 */
public record LearningRate(double base, int warmupSteps, Decay decay, int totalSteps, Curve curve) {
  /** What follows the warm-up. */
  public enum Decay {
    CONSTANT,
    LINEAR,
    /** Half a cosine. */
    COSINE,
    /** Half cosines, one after the other, each from the highest rate. */
    COSINE_RESTARTS,
    /** A power of the share of steps that is left. */
    POLYNOMIAL
  }

  /**
   * What a decay leaves open.
   *
   * @param cycles half cosines of {@link Decay#COSINE_RESTARTS}
   * @param power of {@link Decay#POLYNOMIAL}
   * @param floor share of the highest rate that is left at the end
   */
  public record Curve(int cycles, double power, double floor) {
    /** One cycle, a straight line, down to nothing. */
    public static final Curve USUAL = new Curve(1, 1, 0);

    /**
     * @throws IllegalArgumentException if a value is out of range
     */
    public Curve {
      checkArgument(cycles >= 1, "train.cycles: at least 1, found %s", cycles);
      checkArgument(
          power > 0 && Double.isFinite(power),
          "train.decay_power: must be positive, found %s",
          power);
      checkArgument(floor >= 0 && floor < 1, "train.min_rate_share: in [0, 1), found %s", floor);
    }
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

  /** With the usual curve. */
  public LearningRate(double base, int warmupSteps, Decay decay, int totalSteps) {
    this(base, warmupSteps, decay, totalSteps, Curve.USUAL);
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
    double left =
        switch (decay) {
          case CONSTANT -> 1;
          case LINEAR -> 1 - done;
          case COSINE -> halfCosine(done);
          case COSINE_RESTARTS -> done == 1 ? 0 : halfCosine(curve.cycles() * done % 1);
          case POLYNOMIAL -> Math.pow(1 - done, curve.power());
        };
    return curve.floor() == 0 ? base * left : base * (curve.floor() + (1 - curve.floor()) * left);
  }

  private static double halfCosine(double done) {
    return 0.5 * (1 + Math.cos(Math.PI * done));
  }
}
