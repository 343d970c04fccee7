package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.cost.Calibration;
import io.github.tpdiff.runtime.cost.CostModel;
import io.github.tpdiff.runtime.cost.PlanCost;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.weights.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Runs staged and vanilla sampling in turn on both engines. */
final class Bench {
  private final BenchOptions options;
  private final BenchModel model;
  private final int allBlocks;
  private final Scheduler scheduler;
  private final StagePlan plan;
  private final LatentShape shape;

  Bench(BenchOptions options, VideoModel opened) {
    this.options = options;
    this.allBlocks = BenchModel.blocks(opened);
    this.model = BenchModel.of(opened, options.blocks(), options.textTokens());
    this.scheduler = model.scheduler();
    int frames = options.frames(model.description());
    this.shape = model.latents(frames, options.height(), options.width());
    FrameResampling resampling =
        model.description().latents().sharedFirstFrame()
            ? FrameResampling.sharedFirstFrame()
            : FrameResampling.groupedFirstFrame();
    this.plan =
        StagePlan.of(
            StageConfig.pyramid(options.stages(), resampling), scheduler.schedule(), frames);
  }

  BenchResult run() {
    var staged = StagedSampler.of(plan, scheduler.sampler(), options.steps());
    var whole = StagePlan.of(StageConfig.vanilla(), scheduler.schedule(), plan.frames());
    var vanilla = StagedSampler.of(whole, scheduler.sampler(), options.steps());
    try (var memory = AnonymousMemory.watching();
        var loaded = new LoadedEngines()) {
      for (BenchOptions.Name name : options.engines()) {
        loaded.load(name);
      }
      // The first run of each size: it warms the engines up as well.
      List<Double> errors = errors(loaded.benches);
      for (int round = 0; round < options.rounds(); round++) {
        for (EngineBench engine : loaded.benches) {
          engine.runStaged(staged);
          engine.runVanilla(vanilla);
        }
      }
      return new BenchResult(subject(), loaded.figures(), errors, memory.peakBytes());
    }
  }

  /** The engines that are measured, with the model loaded. */
  private final class LoadedEngines implements AutoCloseable {
    private final List<BenchOptions.Name> names = new ArrayList<>();
    private final List<Engine> engines = new ArrayList<>();
    private final List<EngineBench> benches = new ArrayList<>();

    void load(BenchOptions.Name name) {
      Engine engine = name.open();
      engines.add(engine);
      benches.add(EngineBench.load(engine, model, plan, shape));
      names.add(name);
    }

    List<BenchResult.Figures> figures() {
      var figures = new ArrayList<BenchResult.Figures>();
      for (int i = 0; i < names.size(); i++) {
        EngineBench bench = benches.get(i);
        figures.add(
            new BenchResult.Figures(
                names.get(i).name().toLowerCase(Locale.ROOT),
                new BenchResult.Seconds(
                    bench.firstOutputSeconds(), bench.stagedSeconds(), bench.vanillaSeconds()),
                bench.speedUp(),
                predicted(engines.get(i))));
      }
      return figures;
    }

    @Override
    public void close() {
      benches.forEach(EngineBench::close);
      engines.forEach(Engine::close);
    }
  }

  private String subject() {
    return "%s, latents %s in stages of %s frames, %d steps"
        .formatted(
            allBlocks == 0
                ? "the whole " + model.description().denoiser()
                : "%d of %d blocks"
                    .formatted(FewerBlocks.count(model.denoiser().program()), allBlocks),
            shape,
            plan.stages().stream().map(Stage::frames).toList(),
            options.steps());
  }

  private double predicted(Engine engine) {
    List<Integer> steps = plan.config().splitSteps(options.steps());
    var runs = new ArrayList<PlanCost.StageRun>();
    for (int i = 0; i < steps.size(); i++) {
      runs.add(new PlanCost.StageRun(plan.stages().get(i).frames(), steps.get(i)));
    }
    return PlanCost.of(
            new CostModel(model.denoiser().program(), WeightSizes.all(DType.F32)),
            frames -> model.inputShapes(shape.withFrames(frames)),
            new PlanCost.Request(runs, 1))
        .speedUp(Calibration.measure(engine));
  }

  /** The last engine against the first in every stage: max|difference| / max|first|. */
  private List<Double> errors(List<EngineBench> benches) {
    var errors = new ArrayList<Double>();
    for (Stage stage : plan.stages()) {
      double timestep = plan.schedule().timestep(stage.start());
      List<Latents> found =
          benches.stream().map(engine -> engine.predict(stage, timestep)).toList();
      Latents reference = found.get(0);
      Latents other = found.get(found.size() - 1);
      errors.add(largest(other.plus(-1, reference)) / largest(reference));
    }
    return errors;
  }

  private static double largest(Latents latents) {
    double largest = 0;
    for (float value : latents.data()) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }
}
