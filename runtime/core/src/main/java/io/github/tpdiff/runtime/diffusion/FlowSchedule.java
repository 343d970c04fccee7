package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.primitives.Doubles;
import java.util.List;

/**
 * A flow-matching schedule: equally spaced fractions u, shifted to {@code t = s·u / (1 + (s −
 * 1)·u)} (Esser et al. 2024, eq. 23), down to 0.
 *
 * @param spacing which published grid
 * @param shift s, above 0; 1 leaves the fractions as they are
 * @param form flow matching with the checkpoint's timestep scale
 */
public record FlowSchedule(Spacing spacing, double shift, FlowMatching form)
    implements NoiseSchedule {

  /** The published grids. They differ at both ends and in the timestep that the network is told. */
  public enum Spacing {
    /** diffusers {@code UniPCMultistepScheduler}, {@code use_flow_sigmas}: 1 to 1/1000. */
    UNI_PC(1, true),
    /** Wan's {@code FlowUniPCMultistepScheduler}: 0.999, as a float, to 0. */
    UNI_PC_ORIGINAL(0.999f, true),
    /** diffusers {@code FlowMatchEulerDiscreteScheduler}: 1 to a low end that is shifted twice. */
    FLOW_MATCH_EULER(1, false);

    private final double top;
    private final boolean integerTimesteps;

    Spacing(double top, boolean integerTimesteps) {
      this.top = top;
      this.integerTimesteps = integerTimesteps;
    }
  }

  /** UniPC must not start at σ = 1 exactly, where log(γ/σ) is infinite; diffusers' margin. */
  private static final double MARGIN = 1e-6;

  /**
   * @throws IllegalArgumentException if the shift is not positive
   */
  public FlowSchedule {
    checkArgument(shift > 0 && Double.isFinite(shift), "shift: must be positive, found %s", shift);
  }

  /** The schedule on the usual scale of 1000 timesteps. */
  public FlowSchedule(Spacing spacing, double shift) {
    this(spacing, shift, new FlowMatching());
  }

  @Override
  public double time(double fraction) {
    return shift * fraction / (1 + (shift - 1) * fraction);
  }

  @Override
  public double fraction(double time) {
    return time / (shift - (shift - 1) * time);
  }

  @Override
  public double timestep(double time) {
    double timestep = form.timestep(time);
    return spacing.integerTimesteps ? Math.floor(timestep) : timestep;
  }

  @Override
  public List<SamplerStep> steps(int count, double start, double end) {
    checkArgument(count >= 1, "steps: at least 1, found %s", count);
    checkArgument(
        start <= 1 && end >= 0 && start > end,
        "steps: the interval must lie in [0, 1] and go down, found %s to %s",
        start,
        end);
    double[] times = end > 0 ? inner(count, start, end) : last(count, start);
    return NoiseSchedule.super.steps(Doubles.asList(times).subList(0, count), times[count]);
  }

  @Override
  public List<SamplerStep> steps(List<Double> given, double end) {
    double[] times = Doubles.toArray(given);
    keepMargin(times);
    return NoiseSchedule.super.steps(Doubles.asList(times), end);
  }

  /** A stage that ends in noise: its end is the last point of the equal spacing. */
  private double[] inner(int count, double start, double end) {
    double[] times = times(linspace(Math.min(fraction(start), spacing.top), fraction(end), count));
    pinStart(times, start);
    times[count] = end;
    return times;
  }

  /** The published grid, or its lower part: a low end that the step to 0 jumps over. */
  private double[] last(int count, double start) {
    double from = Math.min(fraction(start), spacing.top);
    double[] times =
        switch (spacing) {
          case UNI_PC -> times(linspace(from, requireBelow(from, first()), count));
          case UNI_PC_ORIGINAL -> times(linspace(from, 0, count));
          case FLOW_MATCH_EULER -> {
            double low = requireBelow(from, time(first()));
            double[] through = times(linspace(from, low, Math.max(1, count - 1)));
            double[] all = new double[count + 1];
            System.arraycopy(through, 0, all, 0, count);
            yield all;
          }
        };
    pinStart(times, start);
    times[count] = 0;
    return times;
  }

  private double first() {
    return 1.0 / form.trainTimesteps();
  }

  private static double requireBelow(double from, double low) {
    checkArgument(
        low < from,
        "stage start: must lie above the schedule's last fraction %s, found %s",
        low,
        from);
    return low;
  }

  private void pinStart(double[] times, double start) {
    if (start < 1 && fraction(start) <= spacing.top) {
      times[0] = start;
    }
    keepMargin(times);
  }

  private void keepMargin(double[] times) {
    if (spacing == Spacing.UNI_PC && Math.abs(times[0] - 1) < MARGIN) {
      times[0] -= MARGIN;
    }
  }

  private double[] times(double[] fractions) {
    double[] times = new double[fractions.length];
    for (int i = 0; i < times.length; i++) {
      times[i] = time(fractions[i]);
    }
    return times;
  }

  /** As numpy rounds it, because the timesteps are cut to integers afterwards. */
  private static double[] linspace(double from, double to, int intervals) {
    double step = (to - from) / intervals;
    double[] values = new double[intervals + 1];
    for (int i = 0; i < intervals; i++) {
      values[i] = i * step + from;
    }
    values[intervals] = to;
    return values;
  }
}
