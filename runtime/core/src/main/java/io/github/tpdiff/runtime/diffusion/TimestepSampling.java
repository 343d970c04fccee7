package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.function.DoubleSupplier;

/**
 * How training times are spread: a density over fractions u in [0, 1], shifted to times, and cut to
 * a stage.
 *
 * <p>Cutting keeps the density's shape inside the stage; with one stage it is the vanilla trainers'
 * density.
 *
 * @param spread the density of u
 * @param shift s of {@code t = s·u / (1 + (s − 1)·u)}; 1 for none
 */
public record TimestepSampling(Spread spread, double shift) {
  private static final int BINS = 2048;
  private static final double USUAL_FLOW_SHIFT = 3;

  /** A density over u. */
  public sealed interface Spread {
    /** The density at u, up to a factor. */
    double density(double u);
  }

  /** All fractions alike. */
  public record Uniform() implements Spread {
    @Override
    public double density(double u) {
      return 1;
    }
  }

  /**
   * {@code u = sigmoid(mean + std·z)}, z normal (Esser et al. 2024, eq. 19).
   *
   * @param mean of the logit
   * @param std of the logit
   */
  public record LogitNormal(double mean, double std) implements Spread {
    /**
     * @throws IllegalArgumentException if {@code std} is not positive
     */
    public LogitNormal {
      checkArgument(
          std > 0 && Double.isFinite(std) && Double.isFinite(mean),
          "timesteps.logit_normal: std must be positive, found mean %s, std %s",
          mean,
          std);
    }

    @Override
    public double density(double u) {
      double z = (Math.log(u / (1 - u)) - mean) / std;
      return Math.exp(-0.5 * z * z) / (u * (1 - u));
    }
  }

  /**
   * @throws IllegalArgumentException if the shift is not positive
   */
  public TimestepSampling {
    checkArgument(
        shift > 0 && Double.isFinite(shift), "timestep_shift: must be positive, found %s", shift);
  }

  /** All times alike. */
  public static TimestepSampling uniform() {
    return new TimestepSampling(new Uniform(), 1);
  }

  /** Logit-normal times. */
  public static TimestepSampling logitNormal(double mean, double std) {
    return new TimestepSampling(new LogitNormal(mean, std), 1);
  }

  /** {@code sigmoid(scale·z)}, as trainers call it. */
  public static TimestepSampling sigmoid(double scale) {
    return logitNormal(0, scale);
  }

  /** The same, shifted towards noise by s. */
  public TimestepSampling shifted(double s) {
    return new TimestepSampling(spread, s);
  }

  /**
   * The shift that trainers of video models use with a form: towards noise, where the picture is
   * decided, for flow matching; none for DDIM, whose times are spent there anyway.
   */
  public static double usualShift(DiffusionForm form) {
    return form instanceof FlowMatching ? USUAL_FLOW_SHIFT : 1;
  }

  /**
   * A time in [e_k, s_k] at which the network can be asked.
   *
   * @param random uniform in [0, 1); asked once
   */
  public double draw(Stage stage, DiffusionForm form, DoubleSupplier random) {
    double low = unshift(stage.end());
    double high = unshift(stage.start());
    double u = low + (high - low) * position(low, high, random.getAsDouble());
    double t = shift * u / (1 + (shift - 1) * u);
    t = form.ceilTime(Math.max(t, form.firstTime()));
    return Math.min(Math.max(t, stage.end()), stage.start());
  }

  private double unshift(double t) {
    return t / (shift - (shift - 1) * t);
  }

  /** Inverts the distribution function over [low, high], by bins; in parts of the interval. */
  private double position(double low, double high, double uniform) {
    if (spread instanceof Uniform) {
      return uniform;
    }
    double[] upTo = new double[BINS + 1];
    for (int i = 0; i < BINS; i++) {
      upTo[i + 1] = upTo[i] + spread.density(low + (high - low) * (i + 0.5) / BINS);
    }
    double mass = uniform * upTo[BINS];
    if (!(upTo[BINS] > 0)) {
      return uniform;
    }
    int bin = 0;
    while (bin < BINS - 1 && upTo[bin + 1] <= mass) {
      bin++;
    }
    double width = upTo[bin + 1] - upTo[bin];
    return (bin + (width > 0 ? (mass - upTo[bin]) / width : 0.5)) / BINS;
  }
}
