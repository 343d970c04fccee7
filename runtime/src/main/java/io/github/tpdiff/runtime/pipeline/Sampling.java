package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.Sampler;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;

/**
 * How noise becomes latents.
 *
 * @param scheduler the checkpoint's schedule and a sampler
 * @param steps in all, split over the stages as their configuration says
 * @param guidance how the negative prompt takes part
 * @param stages the temporal pyramid; one stage is the checkpoint's own sampling
 */
public record Sampling(Scheduler scheduler, int steps, Guidance guidance, StageConfig stages) {
  /**
   * @throws IllegalArgumentException if there are fewer steps than stages
   */
  public Sampling {
    checkArgument(
        steps >= stages.stages(),
        "steps: expected at least one for each of %s stages, found %s",
        stages.stages(),
        steps);
  }

  /**
   * What a model's description says, in one stage.
   *
   * @throws IllegalArgumentException if its scheduler is not one this project knows
   */
  public static Sampling of(PipelineDescription description) {
    return new Sampling(
        Scheduler.fromConfig(description.scheduler()),
        description.defaults().steps(),
        Guidance.scale(description.defaults().guidanceScale()),
        StageConfig.vanilla());
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

  public Sampling withStages(StageConfig other) {
    return new Sampling(scheduler, steps, guidance, other);
  }
}
