package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.cost.CostModel;
import io.github.tpdiff.runtime.cost.PlanCost;
import io.github.tpdiff.runtime.cost.PlanCost.StageRun;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.Steps;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.Sampling;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What sampling one clip costs in stages. */
final class StagePricing {
  private final VideoModel model;
  private final Sampling sampling;
  private final LatentShape clip;
  private final Component denoiser;
  private final CostModel cost;

  /** FLOPs of one pass in each stage, by rates: their shares of the steps are tried in turn. */
  private final Map<List<GridFactor>, List<Double>> flops = new HashMap<>();

  StagePricing(VideoModel model, Sampling sampling, LatentShape clip) {
    this.model = model;
    this.sampling = sampling;
    this.clip = clip;
    denoiser = model.require(model.description().denoiser());
    cost = new CostModel(denoiser.program(), WeightSizes.of(denoiser.weights()));
  }

  VideoModel model() {
    return model;
  }

  Sampling sampling() {
    return sampling;
  }

  NoiseSchedule schedule() {
    return sampling.scheduler().schedule();
  }

  StagePlan plan(StageConfig stages) {
    return StagePlan.of(stages, schedule(), clip.grid());
  }

  /** Of all stages, and of the same steps on the full grid. */
  PlanCost of(StageConfig stages) {
    List<Integer> steps = steps(stages);
    List<Map<String, long[]>> inputs = inputs(stages);
    var runs = new ArrayList<StageRun>();
    for (int i = 0; i < steps.size(); i++) {
      runs.add(new StageRun(inputs.get(i), steps.get(i)));
    }
    return PlanCost.of(cost, new PlanCost.Request(runs, sampling.needsUnconditional() ? 2 : 1));
  }

  /** FLOPs of all stages over those of the same steps on the full grid. */
  double ofVanilla(StageConfig stages) {
    List<Double> passes =
        flops.computeIfAbsent(
            stages.rates(),
            rates -> inputs(stages).stream().map(own -> (double) cost.price(own).flops()).toList());
    List<Integer> steps = steps(stages);
    double sum = 0;
    for (int i = 0; i < steps.size(); i++) {
      sum += steps.get(i) * passes.get(i);
    }
    int all = steps.stream().mapToInt(Integer::intValue).sum();
    return sum / (all * passes.get(passes.size() - 1));
  }

  private List<Integer> steps(StageConfig stages) {
    return sampling.steps() instanceof Steps.Count count
        ? stages.splitSteps(count.total())
        : sampling.steps().in(plan(stages)).stream().map(List::size).toList();
  }

  private List<Map<String, long[]>> inputs(StageConfig stages) {
    Flow flow = model.description().flow();
    return plan(stages).stages().stream()
        .map(stage -> clip.withGrid(stage.grid().size()))
        .map(shape -> NetworkInputs.shapes(denoiser.program(), flow, shape))
        .toList();
  }
}
