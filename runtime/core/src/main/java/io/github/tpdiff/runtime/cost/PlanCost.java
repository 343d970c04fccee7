package io.github.tpdiff.runtime.cost;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The price of sampling a clip in stages, and of the same steps all on the full grid.
 *
 * @param stages in sampling order
 * @param vanilla as many steps as all stages together, on the last stage's grid
 */
public record PlanCost(List<StageCost> stages, StageCost vanilla) {
  /**
   * What one stage runs.
   *
   * @param inputs shapes of the denoiser's, by name
   * @param steps at least 1
   */
  public record StageRun(Map<String, long[]> inputs, int steps) {
    public StageRun {
      inputs = Map.copyOf(inputs);
      checkArgument(steps >= 1, "stage steps: at least 1, found %s", steps);
    }
  }

  /**
   * What is to be run.
   *
   * @param stages in sampling order, the last on the full grid
   * @param evaluationsPerStep of the denoiser: 1, or 2 with guidance; more for solvers that ask
   */
  public record Request(List<StageRun> stages, int evaluationsPerStep) {
    public Request {
      stages = List.copyOf(stages);
      checkArgument(!stages.isEmpty(), "stages: at least 1, found none");
      checkArgument(
          evaluationsPerStep >= 1, "evaluations: at least 1, found %s", evaluationsPerStep);
    }
  }

  /**
   * One stage.
   *
   * @param run its inputs and steps
   * @param evaluations of the denoiser in the stage
   * @param cost of one evaluation
   */
  public record StageCost(StageRun run, long evaluations, Cost cost) {
    public long flops() {
      return Math.multiplyExact(cost.flops(), evaluations);
    }

    public double seconds(Machine machine) {
      return machine.predictSeconds(cost) * evaluations;
    }

    /** The longest sequence that attention sees. */
    public long tokens() {
      return cost.tokens();
    }

    public long peakBytes() {
      return cost.peakBytes();
    }
  }

  public PlanCost {
    stages = List.copyOf(stages);
  }

  /**
   * Prices a request.
   *
   * @throws io.github.tpdiff.runtime.graph.GraphException if an input is missing or does not fit
   */
  public static PlanCost of(CostModel denoiser, Request request) {
    var stages = new ArrayList<StageCost>();
    int steps = 0;
    for (StageRun run : request.stages()) {
      Cost cost = denoiser.price(run.inputs());
      stages.add(new StageCost(run, (long) run.steps() * request.evaluationsPerStep(), cost));
      steps = Math.addExact(steps, run.steps());
    }
    StageCost last = stages.get(stages.size() - 1);
    var all = new StageRun(last.run().inputs(), steps);
    var vanilla = new StageCost(all, (long) steps * request.evaluationsPerStep(), last.cost());
    return new PlanCost(stages, vanilla);
  }

  public long flops() {
    return stages.stream().mapToLong(StageCost::flops).reduce(0, Math::addExact);
  }

  public double seconds(Machine machine) {
    return stages.stream().mapToDouble(s -> s.seconds(machine)).sum();
  }

  /** Of the largest stage. */
  public long peakBytes() {
    return stages.stream().mapToLong(StageCost::peakBytes).max().orElse(0);
  }

  /** How many times faster than vanilla the stages are predicted to be. */
  public double speedUp(Machine machine) {
    return vanilla.seconds(machine) / seconds(machine);
  }
}
