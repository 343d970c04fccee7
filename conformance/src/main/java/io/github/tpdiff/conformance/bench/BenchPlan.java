package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.cli.RatesOption;
import io.github.tpdiff.runtime.cost.PlanCost;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.NetworkInputs;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A plan that is run beside vanilla.
 *
 * @param stages of the clip
 * @param steps of each stage
 */
record BenchPlan(StagePlan stages, List<Integer> steps) {

  /**
   * Refuses rows and columns of latents that do not divide into a plan's stages and the patches
   * that the network takes.
   */
  static void requireFit(StageConfig config, ModelDescription.Latents latents, LatentShape clip) {
    for (GridAxis axis : GridAxis.OF_SPACE) {
      int multiple = latents.multiple(config, axis) / latents.spatialFactor();
      int found = clip.grid().along(axis);
      if (found % multiple != 0) {
        int below = found / multiple * multiple;
        throw new IllegalArgumentException(
            "--%s: expected a multiple of %d latents for stages with rates %s, found %d; use %s"
                .formatted(
                    Words.of(axis),
                    multiple,
                    RatesOption.text(config.rates()),
                    found,
                    below == 0 ? multiple : below + " or " + (below + multiple)));
      }
    }
  }

  /** Its rates, as the command line has them. */
  String label() {
    return RatesOption.text(stages.config().rates());
  }

  /** The sizes of its stages, in sampling order. */
  String sizes() {
    return stages.config().largestStrides().isOfTimeAlone()
        ? stages.stages().stream().map(Stage::frames).toList() + " frames"
        : stages.stages().stream().map(Stage::size).collect(Collectors.joining(", "));
  }

  /** What the cost model is asked for. */
  PlanCost.Request cost(BenchModel model, LatentShape clip) {
    var runs = new ArrayList<PlanCost.StageRun>();
    for (int i = 0; i < steps.size(); i++) {
      LatentShape own = clip.withGrid(stages.stages().get(i).grid().size());
      runs.add(
          new PlanCost.StageRun(
              NetworkInputs.shapes(
                  model.denoiser().program(), model.model().description().flow(), own),
              steps.get(i)));
    }
    return new PlanCost.Request(runs, 1);
  }
}
