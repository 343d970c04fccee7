package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.List;

/**
 * What a sampler works on: a time grid, a network, and someone who watches.
 *
 * @param schedule the form and the timesteps
 * @param steps the grid
 * @param prediction the network, with guidance and frame positions in it
 * @param listener told after every step
 */
public record SamplerRun(
    NoiseSchedule schedule,
    List<Step> steps,
    Denoiser.Prediction prediction,
    StepListener listener) {

  /** Told after every step of a sampler; what it throws ends the run. */
  @FunctionalInterface
  public interface StepListener {
    /** Step {@code index} (from 0) is done and left {@code x}. */
    void onStep(int index, Latents x);
  }

  /**
   * @throws IllegalArgumentException if there is no step
   */
  public SamplerRun {
    checkArgument(!steps.isEmpty(), "steps: at least 1, found 0");
    steps = List.copyOf(steps);
  }

  /** The prediction dy/dτ at the beginning of a step. */
  Latents predict(Latents x, Step step) {
    return prediction.predict(x, step.timestep());
  }

  /** {@code x} moved along dy/dτ from one time to another: {@code y += (τ' − τ)·dy/dτ}. */
  Latents advance(Latents x, Latents derivative, Step step) {
    DiffusionForm form = schedule.form();
    double scale = form.scale(step.next());
    double dtau = form.tau(step.next()) - form.tau(step.time());
    return x.mix(scale / form.scale(step.time()), scale * dtau, derivative);
  }

  /** The data that a prediction points at: {@code x_0 = y − τ·dy/dτ}. */
  Latents clean(Latents x, Latents derivative, double time) {
    DiffusionForm form = schedule.form();
    return x.mix(1 / form.scale(time), -form.tau(time), derivative);
  }

  /** The form of the schedule. */
  DiffusionForm form() {
    return schedule.form();
  }
}
