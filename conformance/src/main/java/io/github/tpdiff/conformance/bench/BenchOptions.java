package io.github.tpdiff.conformance.bench;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.cli.ComputeOption;
import io.github.tpdiff.cli.RatesOption;
import io.github.tpdiff.cli.SharesOption;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.torch.Arithmetic;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What bench runs, as options. */
final class BenchOptions {
  @Mixin private BenchSize size = new BenchSize();

  @Mixin private ComputeOption compute = new ComputeOption();

  @Option(
      names = "--engines",
      split = ",",
      description = "engines to measure, of ${COMPLETION-CANDIDATES} (default: all)")
  private List<BenchEngine.Name> engines = List.of();

  @Option(
      names = "--stages",
      paramLabel = "K",
      description = "stages, each at twice the frame rate of the one before (default: 3)")
  private Optional<Integer> stages = Optional.empty();

  @Option(
      names = "--rates",
      paramLabel = "PLAN",
      description =
          "in place of --stages, the rates of a plan, such as 2,2 of frames or 2x2x2,2x2x2 of"
              + " frames, rows and columns; repeated, each plan is run in every round (default:"
              + " those of --stages)")
  private List<String> rates = List.of();

  @Option(
      names = "--split",
      paramLabel = "SHARES",
      description =
          "shares of the steps, coarsest first, such as 2-2-1: one for all plans, or repeated, one"
              + " for each in their order (default: equal shares)")
  private List<String> splits = List.of();

  @Option(
      names = "--steps",
      defaultValue = "3",
      description = "sampler steps, staged and vanilla alike (default: ${DEFAULT-VALUE})")
  private int steps = 3;

  @Option(
      names = "--rounds",
      defaultValue = "3",
      description =
          "how often all are run, in turn; 0 measures loading and errors alone (default:"
              + " ${DEFAULT-VALUE})")
  private int rounds = 3;

  @Option(
      names = "--plain-load",
      description = "measure loading with all weights copied to memory first, too")
  private boolean plainLoad;

  /** Engines to measure. */
  List<BenchEngine.Name> engines() {
    return engines.isEmpty() ? List.of(BenchEngine.Name.values()) : engines;
  }

  /**
   * The plans that are run beside vanilla, at least one.
   *
   * @throws IllegalArgumentException if options contradict each other or a text is no plan's
   */
  List<StageConfig> plans(ModelDescription.Latents latents) {
    checkArgument(
        stages.isEmpty() || rates.isEmpty(),
        "--stages: leave it out where --rates says whole plans, found both");
    List<StageConfig> plans =
        rates.isEmpty()
            ? List.of(StageConfig.pyramid(stages.orElse(3), latents.resampling()))
            : rates.stream()
                .map(text -> StageConfig.of(RatesOption.plan(text), latents.resampling()))
                .toList();
    checkArgument(
        splits.size() <= 1 || splits.size() == plans.size(),
        "--split: expected one for all plans or one for each of %s, found %s",
        plans.size(),
        splits);
    var split = new ArrayList<StageConfig>();
    for (int i = 0; i < plans.size(); i++) {
      split.add(
          splits.isEmpty()
              ? plans.get(i)
              : plans
                  .get(i)
                  .withStepSplit(SharesOption.parse(splits.get(splits.size() == 1 ? 0 : i))));
    }
    return split;
  }

  int steps() {
    return steps;
  }

  int rounds() {
    checkArgument(rounds >= 0, "--rounds: at least 0, found %s", rounds);
    return rounds;
  }

  boolean plainLoad() {
    return plainLoad;
  }

  BenchSize size() {
    return size;
  }

  Arithmetic arithmetic() {
    return compute.arithmetic();
  }
}
