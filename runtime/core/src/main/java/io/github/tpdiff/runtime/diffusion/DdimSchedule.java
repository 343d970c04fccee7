package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.List;

/**
 * A schedule on the rows of an ᾱ table, with integer timesteps.
 *
 * @param form the table
 * @param spacing how timesteps are chosen
 * @param stepsOffset added to leading timesteps
 * @param finalTime where the last step ends: 0 for ᾱ = 1, or the first row ({@code set_alpha_to_one
 *     false})
 */
public record DdimSchedule(
    VariancePreserving form, Spacing spacing, int stepsOffset, double finalTime)
    implements NoiseSchedule {

  /** The published grids, named as in {@code timestep_spacing}. */
  public enum Spacing {
    /** Multiples of N / steps, plus the offset. */
    LEADING,
    /** From the last row down in equal parts, each minus one. */
    TRAILING,
    /** Both end rows included; steps are still N / steps long (diffusers' DDIM). */
    LINSPACE,
    /** Equal parts of all rows, each step ending where the next begins (DPM-Solver++). */
    CHAINED_LINSPACE,
    /** Multiples of N / (steps + 1) without the first, chained. */
    CHAINED_LEADING,
    /** As {@link #TRAILING}, chained. */
    CHAINED_TRAILING;

    /** Whether a step ends where the next begins. */
    private boolean chained() {
      return this == CHAINED_LINSPACE || this == CHAINED_LEADING || this == CHAINED_TRAILING;
    }
  }

  /**
   * @throws IllegalArgumentException if the offset is negative or {@code finalTime} is neither 0
   *     nor the first row
   */
  public DdimSchedule {
    checkArgument(stepsOffset >= 0, "steps_offset: at least 0, found %s", stepsOffset);
    checkArgument(
        finalTime == 0 || finalTime == form.firstTime(),
        "final time: expected 0 or the first row %s, found %s",
        form.firstTime(),
        finalTime);
  }

  @Override
  public double time(double fraction) {
    return fraction;
  }

  @Override
  public double fraction(double time) {
    return time;
  }

  @Override
  public double timestep(double time) {
    return Math.max(0, form.timestep(time));
  }

  @Override
  public List<SamplerStep> steps(int count, double start, double end) {
    int rows = form.trainTimesteps();
    checkArgument(count >= 1 && count <= rows, "steps: from 1 to %s, found %s", rows, count);
    checkArgument(
        start <= 1 && end >= 0 && start > end,
        "steps: the interval must lie in [0, 1] and go down, found %s to %s",
        start,
        end);
    return start == 1 && end == 0 ? published(count) : part(count, start, end);
  }

  @Override
  public List<SamplerStep> steps(List<Double> times, double end) {
    List<Integer> rows = times.stream().map(this::row).toList();
    var steps = new ArrayList<SamplerStep>();
    for (int i = 0; i < rows.size(); i++) {
      int next = i + 1 < rows.size() ? rows.get(i + 1) : (int) Math.round(form.timestep(end));
      checkArgument(
          next < rows.get(i),
          "steps: expected times of different timesteps, found %s, of timesteps %s",
          times,
          rows);
      steps.add(step(rows.get(i), next));
    }
    return List.copyOf(steps);
  }

  /** The timestep nearest to a time. */
  private int row(double time) {
    return (int) Math.max(0, Math.round(form.timestep(time)));
  }

  private List<SamplerStep> published(int count) {
    int rows = form.trainTimesteps();
    int stride = rows / count;
    var steps = new ArrayList<SamplerStep>(count);
    for (int i = 0; i < count; i++) {
      int timestep = timestep(count, i);
      checkArgument(
          timestep < rows,
          "steps_offset: %s with %s steps passes the last timestep %s",
          stepsOffset,
          count,
          rows - 1);
      int chained = i + 1 < count ? timestep(count, i + 1) : -1;
      steps.add(step(timestep, spacing.chained() ? chained : timestep - stride));
    }
    return List.copyOf(steps);
  }

  /** The published grid's timestep of step {@code i} of {@code count}. */
  private int timestep(int count, int i) {
    int rows = form.trainTimesteps();
    return switch (spacing) {
      case LEADING -> (count - 1 - i) * (rows / count) + stepsOffset;
      case TRAILING, CHAINED_TRAILING -> (int) Math.rint(rows - i * ((double) rows / count)) - 1;
      case LINSPACE -> count == 1 ? 0 : row(rows - 1, count - 1, count - 1 - i);
      case CHAINED_LINSPACE -> row(rows - 1, count, count - i);
      case CHAINED_LEADING -> (count - i) * (rows / (count + 1)) + stepsOffset;
    };
  }

  /** Row {@code index} of {@code parts} equal parts of 0 … last, halves to even as numpy rounds. */
  private static int row(int last, int parts, int index) {
    return (int) Math.rint(index * ((double) last / parts));
  }

  private SamplerStep step(int timestep, int next) {
    return new SamplerStep(form.time(timestep), next < 0 ? finalTime : form.time(next), timestep);
  }

  /** Equal parts between two times, on rows; a last stage ends at {@code finalTime}. */
  private List<SamplerStep> part(int count, double start, double end) {
    var steps = new ArrayList<SamplerStep>(count);
    int timestep = (int) Math.round(form.timestep(start));
    for (int i = 1; i <= count; i++) {
      int next = (int) Math.round(form.timestep(start + i * (end - start) / count));
      checkArgument(
          next < timestep,
          "steps: times %s to %s hold %s timesteps, fewer than %s steps",
          start,
          end,
          Math.round((start - end) * form.trainTimesteps()),
          count);
      steps.add(step(timestep, next));
      timestep = next;
    }
    return List.copyOf(steps);
  }
}
