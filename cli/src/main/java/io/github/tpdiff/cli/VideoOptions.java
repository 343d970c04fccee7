package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Sampler;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.pipeline.Sampling;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Size, length and sampling of a video, as options; what is not said is the model's default. */
final class VideoOptions {
  private static final Pattern SIZE = Pattern.compile("(\\d{1,6})x(\\d{1,6})");

  @Option(
      names = "--size",
      paramLabel = "WIDTHxHEIGHT",
      description = "Pixels, such as 832x480 (default: the model's).")
  private Optional<String> size = Optional.empty();

  @Option(names = "--frames", description = "Pixel frames, such as 81 (default: the model's).")
  private Optional<Integer> frames = Optional.empty();

  @Option(names = "--fps", description = "Frames per second of the file (default: the model's).")
  private Optional<Double> fps = Optional.empty();

  @Option(
      names = "--steps",
      description = "Sampler steps, all stages together (default: the model's).")
  private Optional<Integer> steps = Optional.empty();

  @Option(
      names = "--guidance",
      description = "Guidance scale; 1 is none, and twice as fast (default: the model's).")
  private Optional<Double> guidance = Optional.empty();

  @Mixin private SchedulerOption scheduler = new SchedulerOption();

  @Option(
      names = "--sampler",
      paramLabel = "NAME",
      completionCandidates = WordOption.OfSampler.class,
      converter = WordOption.OfSampler.class,
      description =
          "The solver alone: ${COMPLETION-CANDIDATES}. ddim is euler in a step's own coordinates;"
              + " heun asks the network twice a step; euler-ancestral, which is also ddpm, and dpm-sde"
              + " add new noise in every step. Default: the scheduler's.")
  private Optional<Sampler> sampler = Optional.empty();

  @Mixin private StageOptions stages = new StageOptions();

  /** The size of the video. */
  VideoSize size(PipelineDescription description) {
    VideoSize normal = VideoSize.of(description.defaults());
    int height = normal.height();
    int width = normal.width();
    if (size.isPresent()) {
      Matcher sides = SIZE.matcher(size.get());
      if (!sides.matches()) {
        throw new IllegalArgumentException(
            "--size: expected WIDTHxHEIGHT such as 832x480, found '%s'".formatted(size.get()));
      }
      width = Integer.parseInt(sides.group(1));
      height = Integer.parseInt(sides.group(2));
    }
    return new VideoSize(height, width, frames.orElse(normal.frames()), fps.orElse(normal.fps()));
  }

  /** How it is sampled. */
  Sampling sampling(PipelineDescription description) {
    PipelineDescription scheduled = scheduler.of(description);
    Sampling sampling = Sampling.of(scheduled).withStages(stages.choice());
    if (steps.isPresent()) {
      sampling = sampling.withSteps(steps.get());
    }
    if (sampler.isPresent()) {
      sampling = sampling.withSampler(sampler.get());
    }
    return guidance.isPresent() ? sampling.withGuidance(Guidance.scale(guidance.get())) : sampling;
  }

  /** The whole request. */
  GenerationRequest request(PipelineDescription description, PromptOptions prompt) {
    return new GenerationRequest(
        prompt.prompt(),
        prompt.negativePrompt(),
        size(description),
        sampling(description),
        NoiseSource.seeded(prompt.seed()));
  }
}
