package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.cost.Calibration;
import io.github.tpdiff.runtime.cost.CostModel;
import io.github.tpdiff.runtime.cost.PlanCost;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.PartsComparison;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Runs staged and vanilla sampling in turn on the engines. */
final class Bench {
  private final BenchOptions options;
  private final Path exports;
  private final BenchModel model;
  private final int allBlocks;
  private final Scheduler scheduler;
  private final StagePlan plan;
  private final LatentShape shape;
  private final Conditions conditions;

  /**
   * @param exports an empty folder, on the file system of the checkpoint if it is to be fast
   */
  Bench(BenchOptions options, VideoModel opened, Path exports) {
    this.options = options;
    this.exports = exports;
    this.allBlocks = BenchModel.blocks(opened);
    this.model = BenchModel.of(opened, options.blocks(), options.textTokens());
    ModelDescription description = opened.description();
    this.scheduler = Scheduler.fromConfig(description.scheduler());
    int frames = options.frames(description);
    this.shape = model.latents(frames, options.height(), options.width());
    this.conditions = model.conditions(shape);
    this.plan =
        StagePlan.of(
            StageConfig.pyramid(options.stages(), description.latents().resampling()),
            scheduler.schedule(),
            shape.grid());
  }

  BenchResult run() {
    var engines = new ArrayList<BenchEngine>();
    try {
      options.engines().forEach(n -> engines.add(BenchEngine.open(n, model.model(), exports)));
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
    return FirstOutput.measure(() -> EngineBench.open(engine.parts(), conditions), plan, shape);
  }

  private FirstOutput plainLoad(Engine engine) {
    return FirstOutput.measure(
        () -> {
          BenchModel copied = model.loadedPlainly();
          return EngineBench.open(PipelineParts.of(copied.model(), engine), conditions);
        },
        plan,
        shape);
  }

  private List<BenchResult.Figures> rounds(
      List<BenchEngine> engines, List<BenchResult.Loading> loading) {
    var staged = StagedSampler.of(plan, scheduler.sampler(), options.steps());
    var whole = StagePlan.of(StageConfig.vanilla(), scheduler.schedule(), plan.grid());
    var vanilla = StagedSampler.of(whole, scheduler.sampler(), options.steps());
    var benches = new ArrayList<EngineBench>();
    try {
      engines.forEach(engine -> benches.add(EngineBench.open(engine.parts(), conditions)));
      if (options.rounds() > 0) {
        benches.forEach(bench -> bench.predict(plan, shape)); // which loads it
      }
      for (int round = 0; round < options.rounds(); round++) {
        for (EngineBench bench : benches) {
          bench.runStaged(staged, shape);
          bench.runVanilla(vanilla, shape);
        }
      }
      var figures = new ArrayList<BenchResult.Figures>();
      for (int i = 0; i < benches.size(); i++) {
        EngineBench bench = benches.get(i);
        figures.add(
            new BenchResult.Figures(
                engines.get(i).name().label(),
                loading.get(i),
                options.rounds() == 0
                    ? Optional.empty()
                    : Optional.of(bench.sampling(predicted(engines.get(i).engine())))));
      }
      return figures;
    } finally {
      benches.forEach(EngineBench::close);
    }
  }

  private String subject() {
    return "%s, latents %s in stages of %s frames, %d steps"
        .formatted(
            allBlocks == 0
                ? "the whole " + model.model().description().denoiser()
                : "%d of %d blocks"
                    .formatted(FewerBlocks.count(model.denoiser().program()), allBlocks),
            shape,
            plan.stages().stream().map(Stage::frames).toList(),
            options.steps());
  }

  private double predicted(Engine engine) {
    List<Integer> steps = plan.config().splitSteps(options.steps());
    var runs = new ArrayList<PlanCost.StageRun>();
    var program = model.denoiser().program();
    Flow flow = model.model().description().flow();
    for (int i = 0; i < steps.size(); i++) {
      LatentShape own = shape.withGrid(plan.stages().get(i).grid().size());
      runs.add(new PlanCost.StageRun(NetworkInputs.shapes(program, flow, own), steps.get(i)));
    }
    return PlanCost.of(
            new CostModel(program, WeightSizes.of(model.denoiser().weights())),
            new PlanCost.Request(runs, 1))
        .speedUp(Calibration.measure(engine));
  }

  /** The last engine against the first. */
  private List<PartsComparison.PartError> differences(List<BenchEngine> engines) {
    if (engines.size() < 2) {
      return List.of();
    }
    return new PartsComparison(plan, shape)
        .compare(engines.get(0).parts(), engines.get(engines.size() - 1).parts());
  }
}
