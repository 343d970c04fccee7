package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StageConfig.Ends;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import picocli.CommandLine.Option;

/**
 * The pyramid, as options. What is not said is as the weights were trained; a LoRA says so before
 * tensors trained in full, those before the checkpoint.
 */
public final class StageOptions {
  @Option(
      names = "--stages",
      paramLabel = "K",
      description =
          "Stages, each at twice the frame rate of the one before; 1 is vanilla. Default: what the"
              + " LoRA, the checkpoint or the export was made for, else 1; another number than it"
              + " was made for is an error.")
  private Optional<Integer> stages = Optional.empty();

  @Option(
      names = "--rates",
      paramLabel = "R",
      converter = RatesOption.class,
      split = ",",
      description =
          "Rate of each stage over the one before, coarsest first: of frames, such as 4,2, or of"
              + " frames, rows and columns, such as 2x2x2,2x2x2. Default: as the weights were made"
              + " for, else 2 of frames each.")
  private List<GridFactor> rates = List.of();

  @Option(
      names = "--boundaries",
      paramLabel = "T",
      split = ",",
      description =
          "Times at which the stages after the first start, such as 0.66,0.33. Default: what the"
              + " LoRA or export was made for, else equal parts of the schedule.")
  private List<Double> boundaries = List.of();

  @Option(
      names = "--split",
      paramLabel = "SHARES",
      description = "Shares of the steps, coarsest first, such as 1-1-2 (default: equal shares).")
  private Optional<String> split = Optional.empty();

  @Option(
      names = "--downsampling",
      completionCandidates = WordOption.OfDownsampling.class,
      converter = WordOption.OfDownsampling.class,
      description =
          "How frames are dropped between stages: ${COMPLETION-CANDIDATES}. Default: as the weights"
              + " were made for, else stride.")
  private Optional<Downsampling> downsampling = Optional.empty();

  @Option(
      names = "--upsampling",
      completionCandidates = WordOption.OfUpsampling.class,
      converter = WordOption.OfUpsampling.class,
      description =
          "How frames are repeated between stages: ${COMPLETION-CANDIDATES}. Default: as the weights"
              + " were made for, else nearest.")
  private Optional<Upsampling> upsampling = Optional.empty();

  @Option(
      names = "--space-downsampling",
      completionCandidates = WordOption.OfDownsampling.class,
      converter = WordOption.OfDownsampling.class,
      description =
          "How rows and columns are dropped between stages: ${COMPLETION-CANDIDATES}. Default: as"
              + " the weights were made for, else mean.")
  private Optional<Downsampling> spaceDownsampling = Optional.empty();

  @Option(
      names = "--space-upsampling",
      completionCandidates = WordOption.OfUpsampling.class,
      converter = WordOption.OfUpsampling.class,
      description =
          "How rows and columns are repeated between stages: ${COMPLETION-CANDIDATES}. Default: as"
              + " the weights were made for, else nearest.")
  private Optional<Upsampling> spaceUpsampling = Optional.empty();

  @Option(
      names = "--targets",
      completionCandidates = WordOption.OfTargets.class,
      converter = WordOption.OfTargets.class,
      description =
          "What stages reach: ${COMPLETION-CANDIDATES}. Default: as the weights were made for, else"
              + " latent.")
  private Optional<Targets> targets = Optional.empty();

  @Option(
      names = "--positions",
      paramLabel = "RULES",
      converter = PositionsOption.class,
      description =
          "Positions that the network is told: scaled or native, or one for each of time, height and"
              + " width, such as scaled,native,native. Default: as the weights were made for, else"
              + " scaled.")
  private Optional<PositionRules> positions = Optional.empty();

  @Option(
      names = "--target-scale",
      completionCandidates = WordOption.OfTargetScale.class,
      converter = WordOption.OfTargetScale.class,
      description =
          "The time in which a flow-matching network's velocity is measured:"
              + " ${COMPLETION-CANDIDATES}. Default: as the weights were made for, else global.")
  private Optional<TargetScale> targetScale = Optional.empty();

  @Option(
      names = "--ends",
      completionCandidates = WordOption.OfEnds.class,
      converter = WordOption.OfEnds.class,
      description =
          "How far a stage goes that another follows: linked, to the noise from which the next can"
              + " start, or clean, which makes a cascade. Default: as the weights were made for, else"
              + " linked.")
  private Optional<Ends> ends = Optional.empty();

  /**
   * The pyramid asked for; what is not said is left open.
   *
   * @throws IllegalArgumentException if options contradict each other
   */
  public StageChoice choice() {
    if (stages.isPresent() && !rates.isEmpty() && stages.get() != rates.size() + 1) {
      throw new IllegalArgumentException(
          "--rates: expected %d values for --stages %d, found %s"
              .formatted(stages.get() - 1, stages.get(), rates));
    }
    return new StageChoice(
        stages.map(OptionalInt::of).orElse(OptionalInt.empty()),
        rates,
        boundaries,
        split.map(SharesOption::parse).orElse(List.of()),
        downsampling,
        upsampling,
        spaceDownsampling,
        spaceUpsampling,
        targets,
        positions,
        targetScale,
        ends);
  }

  /** Says what of a choice is not as the weights were trained, if anything. */
  public static void printDifferences(PrintWriter out, Decided stages) {
    if (!stages.differences().isEmpty()) {
      out.println("stages not as trained: " + String.join("; ", stages.differences()));
      out.flush();
    }
  }
}
