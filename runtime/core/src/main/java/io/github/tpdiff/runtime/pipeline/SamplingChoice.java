package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.GuidancePlan;
import io.github.tpdiff.runtime.diffusion.NoiseLevels;
import io.github.tpdiff.runtime.diffusion.Samplers;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.Steps;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What is asked of sampling; what is left open is the model's default.
 *
 * @param steps in all stages together
 * @param sigmas the noise levels at which the network is asked, in place of a number, as of {@link
 *     Steps#sigmas}
 * @param timesteps the same on the checkpoint's own scale, as of {@link Steps#timesteps}
 * @param guidance guidance scale, one for all denoisers or one for each; 1 is none
 * @param stageGuidance guidance scale of each stage, in sampling order, in place of the denoisers'
 * @param guidanceInterval noise levels between which guidance takes part, as of {@link
 *     GuidancePlan#interval}
 * @param magcache which predictions are taken from earlier steps
 * @param scheduler one of the model's {@link ModelDescription#schedulers}, by name
 * @param sampler a solver in place of the scheduler's own, by name
 * @param stages what is asked of the temporal pyramid
 */
public record SamplingChoice(
    Optional<Integer> steps,
    Optional<NoiseLevels> sigmas,
    Optional<NoiseLevels> timesteps,
    List<Double> guidance,
    List<Double> stageGuidance,
    Optional<NoiseLevels> guidanceInterval,
    Optional<MagCacheChoice> magcache,
    Optional<String> scheduler,
    Optional<String> sampler,
    StageChoice stages) {
  /**
   * @throws IllegalArgumentException if steps are said in two ways
   */
  public SamplingChoice {
    checkArgument(
        (steps.isPresent() ? 1 : 0) + (sigmas.isPresent() ? 1 : 0) + (timesteps.isPresent() ? 1 : 0)
            <= 1,
        "%s: expected one of steps, sigmas and timesteps, found several",
        sigmas.isPresent() ? "sigmas" : "timesteps");
    guidance = List.copyOf(guidance);
    stageGuidance = List.copyOf(stageGuidance);
  }

  /** A number of steps, and guidance in all of them. */
  public SamplingChoice(
      Optional<Integer> steps,
      List<Double> guidance,
      Optional<String> scheduler,
      Optional<String> sampler,
      StageChoice stages) {
    this(
        steps,
        Optional.empty(),
        Optional.empty(),
        guidance,
        List.of(),
        Optional.empty(),
        Optional.empty(),
        scheduler,
        sampler,
        stages);
  }

  /** Everything as the model has it. */
  public static SamplingChoice open() {
    return new SamplingChoice(
        Optional.empty(), List.of(), Optional.empty(), Optional.empty(), StageChoice.asTrained());
  }

  public SamplingChoice withSteps(int count) {
    return withPoints(Optional.of(count), Optional.empty(), Optional.empty());
  }

  /** The same asked at noise levels, in place of a number of steps. */
  public SamplingChoice withSigmas(NoiseLevels levels) {
    return withPoints(Optional.empty(), Optional.of(levels), Optional.empty());
  }

  /** The same asked at timesteps, in place of a number of steps. */
  public SamplingChoice withTimesteps(NoiseLevels levels) {
    return withPoints(Optional.empty(), Optional.empty(), Optional.of(levels));
  }

  private SamplingChoice withPoints(
      Optional<Integer> count, Optional<NoiseLevels> noise, Optional<NoiseLevels> times) {
    return new SamplingChoice(
        count,
        noise,
        times,
        guidance,
        stageGuidance,
        guidanceInterval,
        magcache,
        scheduler,
        sampler,
        stages);
  }

  public SamplingChoice withGuidance(double scale) {
    return withGuidance(List.of(scale));
  }

  /** The same with a guidance scale for each denoiser. */
  public SamplingChoice withGuidance(List<Double> scales) {
    return withGuidance(scales, stageGuidance, guidanceInterval);
  }

  /** The same with a guidance scale for each stage, in sampling order. */
  public SamplingChoice withStageGuidance(List<Double> scales) {
    return withGuidance(guidance, scales, guidanceInterval);
  }

  /** The same with guidance at some noise levels alone. */
  public SamplingChoice withGuidanceInterval(NoiseLevels levels) {
    return withGuidance(guidance, stageGuidance, Optional.of(levels));
  }

  private SamplingChoice withGuidance(
      List<Double> scales, List<Double> ofStages, Optional<NoiseLevels> levels) {
    return new SamplingChoice(
        steps, sigmas, timesteps, scales, ofStages, levels, magcache, scheduler, sampler, stages);
  }

  /** The same with predictions of earlier steps. */
  public SamplingChoice withMagCache(MagCacheChoice other) {
    return new SamplingChoice(
        steps,
        sigmas,
        timesteps,
        guidance,
        stageGuidance,
        guidanceInterval,
        Optional.of(other),
        scheduler,
        sampler,
        stages);
  }

  public SamplingChoice withStages(StageChoice other) {
    return new SamplingChoice(
        steps,
        sigmas,
        timesteps,
        guidance,
        stageGuidance,
        guidanceInterval,
        magcache,
        scheduler,
        sampler,
        other);
  }

  /**
   * What this says, and what another says where this leaves it open. Steps, however they are said,
   * replace the other's, and so do guidance scales of denoisers those of stages.
   */
  public SamplingChoice over(SamplingChoice other) {
    boolean saysSteps = steps.isPresent() || sigmas.isPresent() || timesteps.isPresent();
    return new SamplingChoice(
        saysSteps ? steps : other.steps,
        saysSteps ? sigmas : other.sigmas,
        saysSteps ? timesteps : other.timesteps,
        saysScales() ? guidance : other.guidance,
        saysScales() ? stageGuidance : other.stageGuidance,
        guidanceInterval.or(other::guidanceInterval),
        magcache.or(other::magcache),
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
    if (sigmas.isPresent()) {
      sampling = sampling.withSteps(Steps.sigmas(sigmas.get()));
    }
    if (timesteps.isPresent()) {
      sampling = sampling.withSteps(Steps.timesteps(timesteps.get()));
    }
    if (sampler.isPresent()) {
      sampling = sampling.withSampler(Samplers.named(sampler.get()));
    }
    if (magcache.isPresent()) {
      sampling = sampling.withMagCache(magcache.get());
    }
    return guided(sampling);
  }

  /** A model's description with what this says as its own defaults, scheduler and stages apart. */
  public ModelDescription asDefaultsOf(ModelDescription model) {
    ModelDescription.Defaults own = model.defaults();
    boolean saysSteps = steps.isPresent() || sigmas.isPresent() || timesteps.isPresent();
    var defaults =
        new ModelDescription.Defaults(
            own.height(),
            own.width(),
            own.frames(),
            own.fps(),
            steps.orElse(own.steps()),
            guidance.size() == 1 ? guidance.get(0) : own.guidanceScale(),
            saysSteps ? sigmas : own.sigmas(),
            saysSteps ? timesteps : own.timesteps(),
            saysScales() ? stageGuidance : own.stageGuidance(),
            guidanceInterval.or(own::guidanceInterval));
    List<Flow.Expert> experts = model.flow().denoisers();
    checkArgument(
        guidance.size() <= 1 || guidance.size() == experts.size(),
        "guidance: expected %s values, one for each denoiser, found %s",
        experts.size(),
        guidance.size());
    List<Flow.Expert> guided =
        guidance.isEmpty()
            ? experts
            : IntStream.range(0, experts.size())
                .mapToObj(
                    i ->
                        experts
                            .get(i)
                            .withGuidanceScale(
                                guidance.size() == 1
                                    ? Optional.empty()
                                    : Optional.of(guidance.get(i))))
                .toList();
    return model.withDefaults(defaults).withFlow(model.flow().withDenoisers(guided));
  }

  private Sampling guided(Sampling sampling) {
    Sampling guided = sampling;
    if (guidance.size() == 1) {
      guided = guided.withGuidance(Guidance.scale(guidance.get(0)));
    } else if (!guidance.isEmpty()) {
      guided = guided.withGuidance(guidance.stream().map(Guidance::scale).toList());
    }
    GuidancePlan own = guided.guidance();
    List<Guidance> ofStages =
        saysScales() ? stageGuidance.stream().map(Guidance::scale).toList() : own.stages();
    return guided.withGuidance(
        new GuidancePlan(
            own.form(), own.denoisers(), ofStages, guidanceInterval.or(own::interval)));
  }

  private boolean saysScales() {
    return !guidance.isEmpty() || !stageGuidance.isEmpty();
  }
}
