package io.github.tpdiff.runtime.diffusion;

import java.util.function.UnaryOperator;

/**
 * The straight line in (y, τ) along which latents go through a stage, or through a whole schedule.
 *
 * <p>With x_0 the clean clip on the stage's grid, it leads from {@code y_s = g_s P x_0 + τ_s ε} to
 * {@code y_e = g_e x_0 + τ_e ε}, g = γ / scale: P drops places and repeats the ones that are left,
 * as the way into the stage did. So the data moves too, and of the slope dy/dτ only a part is
 * noise: {@code dy/dτ = B x_0 + ε}. The line meets τ = 0 at {@code y − τ dy/dτ = M x_0}, from which
 * follows {@code B x_0 = B M⁻¹ (y − τ dy/dτ)}; all of it is linear, so it holds of the means that a
 * network predicts.
 *
 * <p>Over rows and columns P is a projection, {@code P_s² = P_s}: what it keeps goes along the line
 * of the frames alone, what it drops along {@code y = (τ_s − τ)/(τ_s − τ_e) · g_e x_0 + τ ε}.
 */
public final class StageLine {
  private final NoiseSchedule schedule;

  /** B M⁻¹. */
  private final UnaryOperator<Latents> drift;

  private StageLine(NoiseSchedule schedule, UnaryOperator<Latents> drift) {
    this.schedule = schedule;
    this.drift = drift;
  }

  /** The line from pure noise to clean data, P = I: the checkpoint's own diffusion. */
  public static StageLine whole(NoiseSchedule schedule) {
    DiffusionForm form = schedule.form();
    double drift = (signal(form, 1) - signal(form, 0)) / (signal(form, 0) * form.tau(1));
    return new StageLine(schedule, clean -> clean.times(drift));
  }

  /**
   * The line of a stage: {@code B M⁻¹ = (g_s P − g_e I) (g_e τ_s I − g_s τ_e P)⁻¹}.
   *
   * @param repeated P, over the stage's grid
   */
  static StageLine of(NoiseSchedule schedule, Stage stage, GridMatrix repeated) {
    AxisMatrix overTime = drift(schedule, stage, repeated.along(GridAxis.TIME, stage.frames()));
    GridMatrix overSpace = repeated.ofSpace();
    double dropped = -1 / schedule.form().tau(stage.start());
    return new StageLine(
        schedule,
        clean -> {
          Latents kept = overSpace.apply(clean);
          return overTime.apply(kept, GridAxis.TIME).plus(dropped, clean.plus(-1, kept));
        });
  }

  /** B M⁻¹ over the frames of what rows and columns keep. */
  static AxisMatrix drift(NoiseSchedule schedule, Stage stage, AxisMatrix repeated) {
    DiffusionForm form = schedule.form();
    AxisMatrix same = AxisMatrix.identity(stage.frames());
    double start = signal(form, stage.start());
    double end = signal(form, stage.end());
    AxisMatrix motion = same.mix(-end, start, repeated);
    AxisMatrix meeting =
        same.mix(end * form.tau(stage.start()), -start * form.tau(stage.end()), repeated);
    return motion.times(meeting.inverse());
  }

  private static double signal(DiffusionForm form, double t) {
    return form.gamma(t) / form.scale(t);
  }

  NoiseSchedule schedule() {
    return schedule;
  }

  /**
   * B x_0, the part of dy/dτ that is not noise.
   *
   * @param meeting where the line meets τ = 0, {@code y − τ·dy/dτ}
   */
  Latents drift(Latents meeting) {
    return drift.apply(meeting);
  }
}
