package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.Sampler;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;

/**
 * How noise becomes latents.
 *
 * @param scheduler the checkpoint's schedule and a sampler
 * @param steps in all, split over the stages as their configuration says
 * @param guidance how the negative prompt takes part
 * @param stages what is asked of the temporal pyramid; left open, it is what the weights were made
 *     for
 */
public record Sampling(Scheduler scheduler, int steps, Guidance guidance, StageChoice stages) {
  /**
   * @throws IllegalArgumentException if there is no step
   */
  public Sampling {
    checkArgument(steps >= 1, "steps: expected at least one, found %s", steps);
  }

  /**
   * What a model's description says, in the stages that its weights were made for.
   *
   * @throws IllegalArgumentException if its scheduler is not one this project knows
   */
  public static Sampling of(PipelineDescription description) {
    return new Sampling(
        Scheduler.fromConfig(description.scheduler()),
        description.defaults().steps(),
        Guidance.scale(description.defaults().guidanceScale()),
        StageChoice.asTrained());
  }

  public Sampling withSampler(Sampler other) {
    return new Sampling(scheduler.withSampler(other), steps, guidance, stages);
  }

  public Sampling withSteps(int count) {
    return new Sampling(scheduler, count, guidance, stages);
  }

  public Sampling withGuidance(Guidance other) {
    return new Sampling(scheduler, steps, other, stages);
  }

  public Sampling withStages(StageChoice other) {
    return new Sampling(scheduler, steps, guidance, other);
  }

  /** The same with everything said that a configuration says. */
  public Sampling withStages(StageConfig other) {
    return withStages(StageChoice.of(other));
  }
}
