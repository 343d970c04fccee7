package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.Samplers;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.List;
import java.util.Optional;

/**
 * What is asked of sampling; what is left open is the model's default.
 *
 * @param steps in all stages together
 * @param guidance guidance scale, one for all denoisers or one for each; 1 is none
 * @param scheduler one of the model's {@link ModelDescription#schedulers}, by name
 * @param sampler a solver in place of the scheduler's own, by name
 * @param stages what is asked of the temporal pyramid
 */
public record SamplingChoice(
    Optional<Integer> steps,
    List<Double> guidance,
    Optional<String> scheduler,
    Optional<String> sampler,
    StageChoice stages) {
  public SamplingChoice {
    guidance = List.copyOf(guidance);
  }

  /** Everything as the model has it. */
  public static SamplingChoice open() {
    return new SamplingChoice(
        Optional.empty(), List.of(), Optional.empty(), Optional.empty(), StageChoice.asTrained());
  }

  public SamplingChoice withSteps(int count) {
    return new SamplingChoice(Optional.of(count), guidance, scheduler, sampler, stages);
  }

  public SamplingChoice withGuidance(double scale) {
    return withGuidance(List.of(scale));
  }

  /** The same with a guidance scale for each denoiser. */
  public SamplingChoice withGuidance(List<Double> scales) {
    return new SamplingChoice(steps, scales, scheduler, sampler, stages);
  }

  public SamplingChoice withStages(StageChoice other) {
    return new SamplingChoice(steps, guidance, scheduler, sampler, other);
  }

  /** What this says, and what another says where this leaves it open. */
  public SamplingChoice over(SamplingChoice other) {
    return new SamplingChoice(
        steps.or(other::steps),
        guidance.isEmpty() ? other.guidance : guidance,
        scheduler.or(other::scheduler),
        sampler.or(other::sampler),
        stages.equals(StageChoice.asTrained()) ? other.stages : stages);
  }

  /**
   * What it comes to with a model.
   *
   * @throws IllegalArgumentException if there is no scheduler or sampler of a name, or guidance is
   *     neither one value nor one for each denoiser
   */
  public Sampling of(ModelDescription model) {
    ModelDescription scheduled = scheduler.map(model::withScheduler).orElse(model);
    Sampling sampling = Sampling.of(scheduled).withStages(stages);
    if (steps.isPresent()) {
      sampling = sampling.withSteps(steps.get());
    }
    if (sampler.isPresent()) {
      sampling = sampling.withSampler(Samplers.named(sampler.get()));
    }
    if (guidance.isEmpty()) {
      return sampling;
    }
    List<Guidance> scales = guidance.stream().map(Guidance::scale).toList();
    return scales.size() == 1
        ? sampling.withGuidance(scales.get(0))
        : sampling.withGuidance(scales);
  }
}
