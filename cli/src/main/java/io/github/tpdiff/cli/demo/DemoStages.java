package io.github.tpdiff.cli.demo;

import io.github.tpdiff.cli.PositionsOption;
import io.github.tpdiff.cli.RatesOption;
import io.github.tpdiff.cli.SharesOption;
import io.github.tpdiff.cli.WordOption;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.diffusion.Words;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import picocli.CommandLine.Option;

/** The pyramid of the demo's LoRA, as options: three stages over time unless others are said. */
final class DemoStages {
  private static final int USUAL = 3;

  @Option(
      names = "--rates",
      paramLabel = "R",
      converter = RatesOption.class,
      split = ",",
      description =
          "Rate of each stage over the one before, coarsest first: of frames, such as 2,2, or of"
              + " frames, rows and columns, such as 2x2x2,2x2x2 (default 2,2).")
  private List<GridFactor> rates = List.of();

  @Option(
      names = "--split",
      paramLabel = "SHARES",
      description = "Shares of the steps, coarsest first, such as 2-2-1 (default: equal shares).")
  private Optional<String> split = Optional.empty();

  @Option(
      names = "--targets",
      completionCandidates = WordOption.OfTargets.class,
      converter = WordOption.OfTargets.class,
      description = "What stages reach: ${COMPLETION-CANDIDATES} (default latent).")
  private Optional<Targets> targets = Optional.empty();

  @Option(
      names = "--positions",
      paramLabel = "RULES",
      converter = PositionsOption.class,
      description =
          "Positions that the network is told: scaled or native, or one for each of time, height and"
              + " width (default: scaled over time alone, else what the vanilla network predicts"
              + " best with).")
  private Optional<PositionRules> positions = Optional.empty();

  @Option(
      names = "--space-downsampling",
      completionCandidates = WordOption.OfDownsampling.class,
      converter = WordOption.OfDownsampling.class,
      description =
          "How rows and columns are dropped between stages: ${COMPLETION-CANDIDATES} (default"
              + " mean).")
  private Optional<Downsampling> spaceDownsampling = Optional.empty();

  @Option(
      names = "--space-upsampling",
      completionCandidates = WordOption.OfUpsampling.class,
      converter = WordOption.OfUpsampling.class,
      description =
          "How rows and columns are repeated between stages: ${COMPLETION-CANDIDATES} (default"
              + " nearest).")
  private Optional<Upsampling> spaceUpsampling = Optional.empty();

  /** Whether any are said. */
  boolean areSaid() {
    return !rates.isEmpty()
        || split.isPresent()
        || targets.isPresent()
        || positions.isPresent()
        || spaceDownsampling.isPresent()
        || spaceUpsampling.isPresent();
  }

  /**
   * What clips must divide into.
   *
   * @throws IllegalArgumentException if the options do not go together
   */
  StageConfig config(FrameResampling frames) {
    StageConfig config =
        rates.isEmpty() ? StageConfig.pyramid(USUAL, frames) : StageConfig.of(rates, frames);
    return split.map(SharesOption::parse).map(config::withStepSplit).orElse(config);
  }

  /** The section of a job. */
  String section() {
    var keys = new ArrayList<String>();
    keys.add(rates.isEmpty() ? "count: " + USUAL : "rates: " + rates);
    targets.ifPresent(own -> keys.add("targets: " + Words.of(own)));
    positions.ifPresent(own -> keys.add("positions: " + own));
    spaceDownsampling.ifPresent(own -> keys.add("space_downsampling: " + Words.of(own)));
    spaceUpsampling.ifPresent(own -> keys.add("space_upsampling: " + Words.of(own)));
    keys.add("alignment_window: 12");
    return "stages: {" + String.join(", ", keys) + "}\n";
  }

  /** What sampling is asked for: how the steps are shared; all else is as it was trained. */
  StageChoice sampling() {
    StageChoice open = StageChoice.asTrained();
    return new StageChoice(
        OptionalInt.empty(),
        open.rates(),
        open.boundaries(),
        split.map(SharesOption::parse).orElse(List.of()),
        open.downsampling(),
        open.upsampling(),
        open.spaceDownsampling(),
        open.spaceUpsampling(),
        open.targets(),
        open.positions(),
        open.targetScale());
  }
}
