package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.NoiseLevels;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.pipeline.MagCacheChoice;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Where the network is asked, and where guidance takes part, as options. */
final class StepOptions {
  @Option(
      names = "--steps",
      description = "Sampler steps, all stages together (default: the model's).")
  private Optional<Integer> steps = Optional.empty();

  @Option(
      names = "--sigmas",
      paramLabel = "LEVELS",
      converter = NoiseLevelsOption.class,
      description =
          "The noise levels at which the network is asked, falling, in place of --steps: such as"
              + " 1,0.9375,0.8333,0.625, or one list for each stage, 1,0.94/0.8/0.6. No shift is"
              + " applied to them. Every stage after the first is asked where it begins in any case"
              + " (default: as --steps has them).")
  private Optional<NoiseLevels> sigmas = Optional.empty();

  @Option(
      names = "--timesteps",
      paramLabel = "LEVELS",
      converter = NoiseLevelsOption.class,
      description =
          "The same on the checkpoint's own scale, such as 999,749,499,249 (default: --steps).")
  private Optional<NoiseLevels> timesteps = Optional.empty();

  @Option(
      names = "--guidance",
      split = ",",
      paramLabel = "SCALE",
      description =
          "Guidance scale, or one for each denoiser of the model; 1 is none, and twice as fast"
              + " (default: the model's).")
  private List<Double> guidance = List.of();

  @Option(
      names = "--stage-guidance",
      split = ",",
      paramLabel = "SCALE",
      description =
          "Guidance scale of each stage, the coarsest first, such as 6,5,1 (default: --guidance in"
              + " all).")
  private List<Double> stageGuidance = List.of();

  @Option(
      names = "--guidance-interval",
      paramLabel = "FROM,TO",
      converter = NoiseLevelsOption.class,
      description =
          "Noise levels between which guidance takes part, such as 0.9,0.2, or a pair for each stage,"
              + " 1,0.9/0.8,0.5/0.4,0.2; the other steps take half as long (default: all).")
  private Optional<NoiseLevels> guidanceInterval = Optional.empty();

  /** What is asked of steps and guidance alone. */
  SamplingChoice choice() {
    return choice(Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** The same with what else is asked, stages apart. */
  SamplingChoice choice(
      Optional<MagCacheChoice> magcache, Optional<String> scheduler, Optional<String> sampler) {
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
        StageChoice.asTrained());
  }
}
