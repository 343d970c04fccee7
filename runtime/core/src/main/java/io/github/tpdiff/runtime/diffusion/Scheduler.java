package io.github.tpdiff.runtime.diffusion;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A schedule and its sampler: what a published {@code scheduler_config.json} describes.
 *
 * @param schedule the time grid
 * @param sampler the solver
 */
public record Scheduler(NoiseSchedule schedule, Sampler sampler) {

  /**
   * The scheduler of a {@code scheduler_config.json}, given as a map.
   *
   * <p>Known classes: {@code UniPCMultistepScheduler}, {@code FlowUniPCMultistepScheduler} (Wan's
   * original), {@code FlowMatchEulerDiscreteScheduler}, {@code DDIMScheduler}, {@code
   * DPMSolverMultistepScheduler}.
   *
   * @throws IllegalArgumentException if the class is unknown or a field asks for what is not
   *     supported
   */
  public static Scheduler fromConfig(Map<String, ?> config) {
    return new SchedulerConfig(config).scheduler();
  }

  /** The same schedule solved by another sampler. */
  public Scheduler withSampler(Sampler other) {
    return new Scheduler(schedule, other);
  }

  /** Runs all steps of a deterministic sampler over the published grid; keeps every sample. */
  public Trajectory trajectory(Latents start, int steps, Denoiser.Prediction network) {
    return trajectory(start, steps, network, NoiseSource.none());
  }

  /**
   * Runs all steps over the published grid and keeps every sample.
   *
   * @param noise drawn from by a stochastic sampler, once for each step that adds some
   */
  public Trajectory trajectory(
      Latents start, int steps, Denoiser.Prediction network, NoiseSource noise) {
    List<SamplerStep> grid = schedule.steps(steps);
    var samples = new ArrayList<Latents>();
    samples.add(start);
    var line = StageLine.whole(schedule);
    sampler.sample(new SamplerRun(line, grid, network, noise, (index, x) -> samples.add(x)), start);
    DiffusionForm form = schedule.form();
    var sigmas = new ArrayList<Double>();
    grid.forEach(step -> sigmas.add(form.tau(step.time())));
    sigmas.add(form.tau(grid.get(steps - 1).next()));
    return new Trajectory(grid.stream().map(SamplerStep::timestep).toList(), sigmas, samples);
  }
}
