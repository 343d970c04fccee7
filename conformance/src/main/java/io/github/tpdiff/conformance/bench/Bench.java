package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.cost.Calibration;
import io.github.tpdiff.runtime.cost.CostModel;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.cost.PlanCost;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.PartsComparison;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Runs vanilla and staged sampling in turn on the engines. */
final class Bench {
  private final BenchOptions options;
  private final Path exports;
  private final BenchModel model;
  private final int allBlocks;
  private final Scheduler scheduler;
  private final List<BenchPlan> plans;
  private final LatentShape shape;
  private final Conditions conditions;

  /**
   * @param exports an empty folder, on the file system of the checkpoint if it is to be fast
   * @throws IllegalArgumentException if the clip does not divide into the stages of a plan
   */
  Bench(BenchOptions options, VideoModel opened, Path exports) {
    this.options = options;
    this.exports = exports;
    this.allBlocks = BenchModel.blocks(opened);
    this.model = options.size().cut(opened);
    ModelDescription description = opened.description();
    this.scheduler = Scheduler.fromConfig(description.scheduler());
    this.shape = options.size().latents(model);
    this.plans =
        options.plans(description.latents()).stream()
            .map(config -> plan(config, description.latents()))
            .toList();
    this.conditions = model.conditions(shape);
  }

  private BenchPlan plan(StageConfig config, ModelDescription.Latents latents) {
    BenchPlan.requireFit(config, latents, shape);
    return new BenchPlan(
        StagePlan.of(config, scheduler.schedule(), shape.grid()),
        config.splitSteps(options.steps()));
  }

  BenchResult run() {
    var engines = new ArrayList<BenchEngine>();
    try {
      options
          .engines()
          .forEach(
              n -> engines.add(BenchEngine.open(n, model.model(), exports, options.arithmetic())));
      // One after another, before the engines hold anything that would count as another's.
      List<BenchResult.Loading> loading = engines.stream().map(this::loading).toList();
      List<BenchResult.Figures> figures = rounds(engines, loading);
      return new BenchResult(subject(), figures, differences(engines));
    } finally {
      engines.forEach(BenchEngine::close);
    }
  }

  /** Where both ways of loading are asked for, each twice in turn: the first pays for the disk. */
  private BenchResult.Loading loading(BenchEngine engine) {
    FirstOutput mapped = mapped(engine);
    if (!options.plainLoad()) {
      return new BenchResult.Loading(mapped, Optional.empty());
    }
    FirstOutput plain = plainLoad(engine.engine()).orSooner(plainLoad(engine.engine()));
    return new BenchResult.Loading(mapped.orSooner(mapped(engine)), Optional.of(plain));
  }

  private FirstOutput mapped(BenchEngine engine) {
    return FirstOutput.measure(() -> EngineBench.open(engine.parts(), conditions), stages(), shape);
  }

  private FirstOutput plainLoad(Engine engine) {
    return FirstOutput.measure(
        () -> {
          BenchModel copied = model.loadedPlainly();
          return EngineBench.open(PipelineParts.of(copied.model(), engine), conditions);
        },
        stages(),
        shape);
  }

  /** Of the first plan: what is loaded is the same for all. */
  private StagePlan stages() {
    return plans.get(0).stages();
  }

  private List<BenchResult.Figures> rounds(
      List<BenchEngine> engines, List<BenchResult.Loading> loading) {
    var benches = new ArrayList<EngineBench>();
    try {
      engines.forEach(engine -> benches.add(EngineBench.open(engine.parts(), conditions)));
      List<Rounds> rounds = benches.stream().map(bench -> new Rounds()).toList();
      if (options.rounds() > 0) {
        benches.forEach(bench -> bench.predict(stages(), shape)); // which loads it
      }
      for (int round = 0; round < options.rounds(); round++) {
        for (int i = 0; i < benches.size(); i++) {
          runAll(benches.get(i), rounds.get(i));
        }
      }
      var figures = new ArrayList<BenchResult.Figures>();
      for (int i = 0; i < benches.size(); i++) {
        BenchEngine engine = engines.get(i);
        figures.add(
            new BenchResult.Figures(
                engine.name().label(),
                loading.get(i),
                options.rounds() == 0
                    ? List.of()
                    : samplings(rounds.get(i), Calibration.measure(engine.engine()))));
      }
      return figures;
    } finally {
      benches.forEach(EngineBench::close);
    }
  }

  private void runAll(EngineBench bench, Rounds rounds) {
    var whole = StagePlan.of(StageConfig.vanilla(), scheduler.schedule(), shape.grid());
    double vanilla =
        bench.seconds(StagedSampler.of(whole, scheduler.sampler(), options.steps()), shape);
    var staged = new ArrayList<Double>();
    for (BenchPlan plan : plans) {
      var sampler = StagedSampler.split(plan.stages(), scheduler.sampler(), plan.steps());
      staged.add(bench.seconds(sampler, shape));
    }
    rounds.add(vanilla, staged);
  }

  private List<BenchResult.Sampling> samplings(Rounds rounds, Machine machine) {
    var cost =
        new CostModel(model.denoiser().program(), WeightSizes.of(model.denoiser().weights()));
    var samplings = new ArrayList<BenchResult.Sampling>();
    for (int i = 0; i < plans.size(); i++) {
      BenchPlan plan = plans.get(i);
      samplings.add(
          new BenchResult.Sampling(
              plan.label(),
              rounds.staged(i),
              rounds.vanilla(),
              rounds.speedUp(i),
              PlanCost.of(cost, plan.cost(model, shape)).speedUp(machine)));
    }
    return samplings;
  }

  /** One line of one plan; of several, a line of what they share and one of each. */
  private List<String> subject() {
    String network =
        allBlocks == 0
            ? "the whole " + model.model().description().denoiser()
            : "%d of %d blocks".formatted(FewerBlocks.count(model.denoiser().program()), allBlocks);
    if (plans.size() == 1) {
      return List.of(
          "%s, latents %s in stages of %s, %d steps"
              .formatted(network, shape, plans.get(0).sizes(), options.steps()));
    }
    var lines = new ArrayList<String>();
    lines.add("%s, latents %s, %d steps".formatted(network, shape, options.steps()));
    for (BenchPlan plan : plans) {
      lines.add(
          "rates %s: stages of %s, steps %s".formatted(plan.label(), plan.sizes(), plan.steps()));
    }
    return lines;
  }

  /** The last engine against the first. */
  private List<PartsComparison.PartError> differences(List<BenchEngine> engines) {
    if (engines.size() < 2) {
      return List.of();
    }
    return new PartsComparison(plans.stream().map(BenchPlan::stages).toList(), shape)
        .compare(engines.get(0).parts(), engines.get(engines.size() - 1).parts());
  }
}
