package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The temporal pyramid, as options. */
final class StageOptions {
  @Option(
      names = "--stages",
      paramLabel = "K",
      description =
          "Stages, each at twice the frame rate of the one before; 1 is vanilla. Default: what the"
              + " LoRA or export was made for, else 1.")
  private Optional<Integer> stages = Optional.empty();

  @Option(
      names = "--rates",
      paramLabel = "R",
      split = ",",
      description = "Frame rate of each stage over the one before, coarsest first, such as 4,2.")
  private List<Integer> rates = List.of();

  @Option(
      names = "--boundaries",
      paramLabel = "T",
      split = ",",
      description = "Times at which the stages after the first start, such as 0.66,0.33.")
  private List<Double> boundaries = List.of();

  @Option(
      names = "--split",
      paramLabel = "SHARES",
      description = "Shares of the steps, coarsest first, such as 1-1-2.")
  private Optional<String> split = Optional.empty();

  /**
   * The pyramid asked for.
   *
   * @param trained what the weights were trained for, if anything says so
   * @throws IllegalArgumentException if options contradict each other
   */
  StageConfig config(PipelineDescription description, Optional<StageConfig> trained) {
    StageConfig config =
        explicit(description)
            .or(() -> trained)
            .orElseGet(() -> StageConfig.pyramid(1, resampling(description)));
    if (!boundaries.isEmpty()) {
      config = config.withBoundaries(boundaries);
    }
    return split.isPresent() ? config.withStepSplit(shares(split.get())) : config;
  }

  private Optional<StageConfig> explicit(PipelineDescription description) {
    if (!rates.isEmpty()) {
      if (stages.isPresent() && stages.get() != rates.size() + 1) {
        throw new IllegalArgumentException(
            "--rates: expected %d values for --stages %d, found %s"
                .formatted(stages.get() - 1, stages.get(), rates));
      }
      return Optional.of(StageConfig.pyramid(1, resampling(description)).withRates(rates));
    }
    return stages.map(count -> StageConfig.pyramid(count, resampling(description)));
  }

  /** How frames are dropped and repeated for a model, unless something else is said. */
  static FrameResampling resampling(PipelineDescription description) {
    return description.latents().sharedFirstFrame()
        ? FrameResampling.sharedFirstFrame()
        : FrameResampling.groupedFirstFrame();
  }

  private static List<Integer> shares(String text) {
    try {
      return Arrays.stream(text.split("-", -1)).map(Integer::valueOf).toList();
    } catch (NumberFormatException notNumbers) {
      throw new IllegalArgumentException(
          "--split: expected shares such as 1-1-2, found '%s'".formatted(text), notNumbers);
    }
  }
}
