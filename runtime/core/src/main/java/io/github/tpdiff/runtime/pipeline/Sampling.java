package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.GuidancePlan;
import io.github.tpdiff.runtime.diffusion.Sampler;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.diffusion.Steps;
import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * How noise becomes latents.
 *
 * @param scheduler the checkpoint's schedule and a sampler
 * @param steps where the network is asked
 * @param guidance how and where the negative prompt takes part
 * @param magCache which predictions are taken from earlier steps
 * @param stages what is asked of the temporal pyramid; left open, it is what the weights were made
 *     for
 */
public record Sampling(
    Scheduler scheduler,
    Steps steps,
    GuidancePlan guidance,
    Optional<MagCacheChoice> magCache,
    StageChoice stages) {

  /**
   * What a model's description says, in the stages that its weights were made for.
   *
   * @throws IllegalArgumentException if its scheduler is not one this project knows
   */
  public static Sampling of(ModelDescription description) {
    ModelDescription.Defaults own = description.defaults();
    Scheduler scheduler = Scheduler.fromConfig(description.scheduler());
    List<Guidance> guidance =
        description.flow().denoisers().stream()
            .map(expert -> Guidance.scale(expert.guidanceScale().orElse(own.guidanceScale())))
            .toList();
    return new Sampling(
        scheduler,
        own.sigmas()
            .map(Steps::sigmas)
            .or(() -> own.timesteps().map(Steps::timesteps))
            .orElseGet(() -> Steps.count(own.steps())),
        new GuidancePlan(
            scheduler.schedule().form(),
            guidance,
            own.stageGuidance().stream().map(Guidance::scale).toList(),
            own.guidanceInterval()),
        Optional.empty(),
        StageChoice.asTrained());
  }

  /**
   * Its steps through the stages of a plan.
   *
   * @throws IllegalArgumentException if it does not go with them, in one line
   */
  public StagedSampler through(StagePlan plan) {
    guidance.requireStages(plan.stages().size());
    return new StagedSampler(plan, scheduler.sampler(), steps.in(plan));
  }

  /** Whether the negative prompt takes part anywhere. */
  public boolean needsUnconditional() {
    return guidance.needsUnconditional();
  }

  public Sampling withSampler(Sampler other) {
    return new Sampling(scheduler.withSampler(other), steps, guidance, magCache, stages);
  }

  public Sampling withSteps(int count) {
    return withSteps(Steps.count(count));
  }

  public Sampling withSteps(Steps others) {
    return new Sampling(scheduler, others, guidance, magCache, stages);
  }

  /** The same guidance in every denoiser and stage. */
  public Sampling withGuidance(Guidance other) {
    return withGuidance(Collections.nCopies(guidance.denoisers().size(), other));
  }

  /**
   * The same with each denoiser's own guidance, in every stage.
   *
   * @throws IllegalArgumentException if there are more or fewer than denoisers
   */
  public Sampling withGuidance(List<Guidance> others) {
    checkArgument(
        others.size() == guidance.denoisers().size(),
        "guidance: expected %s values, one for each denoiser, found %s",
        guidance.denoisers().size(),
        others.size());
    return withGuidance(new GuidancePlan(guidance.form(), others, List.of(), guidance.interval()));
  }

  public Sampling withGuidance(GuidancePlan other) {
    return new Sampling(scheduler, steps, other, magCache, stages);
  }

  /** The same with predictions of earlier steps. */
  public Sampling withMagCache(MagCacheChoice other) {
    return new Sampling(scheduler, steps, guidance, Optional.of(other), stages);
  }

  public Sampling withStages(StageChoice other) {
    return new Sampling(scheduler, steps, guidance, magCache, other);
  }

  /** The same with everything said that a configuration says. */
  public Sampling withStages(StageConfig other) {
    return withStages(StageChoice.of(other));
  }
}
