package io.github.tpdiff.runtime.diffusion;

import java.util.ArrayList;
import java.util.List;

/**
 * Where a sampler asks the network: the published time grid of a checkpoint, whole or cut to a
 * stage.
 */
public interface NoiseSchedule {

  /** The form that the checkpoint was trained in. */
  DiffusionForm form();

  /** The time at a fraction in [0, 1] of the timestep index, through the schedule's shift. */
  double time(double fraction);

  /** The fraction of the timestep index at a time; the inverse of {@link #time}. */
  double fraction(double time);

  /** What the network is told at a time, with the schedule's own rounding. */
  double timestep(double time);

  /**
   * The steps from {@code start} down to {@code end}, spaced as this schedule spaces its own; the
   * whole interval, 1 to 0, gives exactly the published grid.
   *
   * @throws IllegalArgumentException if the interval is empty or cannot hold that many steps
   */
  List<SamplerStep> steps(int count, double start, double end);

  /**
   * Steps from each of some falling times to the next, and from the last to {@code end}.
   *
   * @throws IllegalArgumentException if the network cannot be told two of them apart
   */
  default List<SamplerStep> steps(List<Double> times, double end) {
    var steps = new ArrayList<SamplerStep>();
    for (int i = 0; i < times.size(); i++) {
      double next = i + 1 < times.size() ? times.get(i + 1) : end;
      steps.add(new SamplerStep(times.get(i), next, timestep(times.get(i))));
    }
    return List.copyOf(steps);
  }

  /** The published grid of {@code count} steps. */
  default List<SamplerStep> steps(int count) {
    return steps(count, 1, 0);
  }
}
