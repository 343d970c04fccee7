package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.Sampler;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.Collections;
import java.util.List;

/**
 * How noise becomes latents.
 *
 * @param scheduler the checkpoint's schedule and a sampler
 * @param steps in all, split over the stages as their configuration says
 * @param guidance how the negative prompt takes part, in each denoiser of the model
 * @param stages what is asked of the temporal pyramid; left open, it is what the weights were made
 *     for
 */
public record Sampling(
    Scheduler scheduler, int steps, List<Guidance> guidance, StageChoice stages) {
  /**
   * @throws IllegalArgumentException if there is no step
   */
  public Sampling {
    checkArgument(steps >= 1, "steps: expected at least one, found %s", steps);
    guidance = List.copyOf(guidance);
  }

  /**
   * What a model's description says, in the stages that its weights were made for.
   *
   * @throws IllegalArgumentException if its scheduler is not one this project knows
   */
  public static Sampling of(ModelDescription description) {
    double scale = description.defaults().guidanceScale();
    return new Sampling(
        Scheduler.fromConfig(description.scheduler()),
        description.defaults().steps(),
        description.flow().denoisers().stream()
            .map(expert -> Guidance.scale(expert.guidanceScale().orElse(scale)))
            .toList(),
        StageChoice.asTrained());
  }

  /** Whether the negative prompt takes part anywhere. */
  public boolean needsUnconditional() {
    return guidance.stream().anyMatch(Guidance::needsUnconditional);
  }

  public Sampling withSampler(Sampler other) {
    return new Sampling(scheduler.withSampler(other), steps, guidance, stages);
  }

  public Sampling withSteps(int count) {
    return new Sampling(scheduler, count, guidance, stages);
  }

  /** The same guidance in every denoiser. */
  public Sampling withGuidance(Guidance other) {
    return withGuidance(Collections.nCopies(guidance.size(), other));
  }

  /**
   * The same with each denoiser's own guidance.
   *
   * @throws IllegalArgumentException if there are more or fewer than denoisers
   */
  public Sampling withGuidance(List<Guidance> others) {
    checkArgument(
        others.size() == guidance.size(),
        "guidance: expected %s values, one for each denoiser, found %s",
        guidance.size(),
        others.size());
    return new Sampling(scheduler, steps, others, stages);
  }

  public Sampling withStages(StageChoice other) {
    return new Sampling(scheduler, steps, guidance, other);
  }

  /** The same with everything said that a configuration says. */
  public Sampling withStages(StageConfig other) {
    return withStages(StageChoice.of(other));
  }
}
