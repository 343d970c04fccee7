package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoChoice;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Size, length and sampling of a video, as options; what is not said is the model's default. */
public final class VideoOptions {
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

  @Mixin private StepOptions steps = new StepOptions();

  @Option(
      names = "--magcache",
      paramLabel = "FILE",
      description =
          "A file of tpdiff calibrate at these steps: predictions that hardly change are taken from"
              + " the step before (default: every one is computed).")
  private Optional<Path> magcache = Optional.empty();

  @Mixin private MagCacheOptions magcacheLimits = new MagCacheOptions();
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
  private Optional<String> sampler = Optional.empty();

  @Mixin private StageOptions stages = new StageOptions();

  /** What is asked of the video's size. */
  VideoChoice size() {
    Optional<Integer> width = Optional.empty();
    Optional<Integer> height = Optional.empty();
    if (size.isPresent()) {
      PictureSize pixels = pixels(size.get());
      width = Optional.of(pixels.width());
      height = Optional.of(pixels.height());
    }
    return new VideoChoice(width, height, frames, fps);
  }

  /**
   * What {@code --size} says.
   *
   * @throws IllegalArgumentException if it has another form
   */
  static PictureSize pixels(String size) {
    Matcher sides = SIZE.matcher(size);
    if (!sides.matches()) {
      throw new IllegalArgumentException(
          "--size: expected WIDTHxHEIGHT such as 832x480, found '%s'".formatted(size));
    }
    return new PictureSize(Integer.parseInt(sides.group(1)), Integer.parseInt(sides.group(2)));
  }

  /** When predictions are left out. */
  MagCacheOptions magCacheOptions() {
    return magcacheLimits;
  }

  /** What is asked of sampling. */
  SamplingChoice sampling() {
    return steps
        .choice(magcache.map(magcacheLimits::of), scheduler.name(), sampler)
        .withStages(stages.choice());
  }

  /** A request with what the options say in place of what it says. */
  public GenerationRequest over(GenerationRequest asked) {
    return asked
        .withVideo(size().over(asked.video()))
        .withSampling(sampling().over(asked.sampling()));
  }
}
