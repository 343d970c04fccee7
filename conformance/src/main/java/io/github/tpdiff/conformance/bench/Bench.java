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
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.DType;
import java.util.ArrayList;
import java.util.List;

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
    this.shape = model.latents(options.frames(), options.height(), options.width());
    FrameResampling resampling =
        model.description().latents().sharedFirstFrame()
            ? FrameResampling.sharedFirstFrame()
            : FrameResampling.groupedFirstFrame();
    this.plan =
        StagePlan.of(
            StageConfig.pyramid(options.stages(), resampling),
            scheduler.schedule(),
            options.frames());
  }

  BenchResult run() {
    var staged = StagedSampler.of(plan, scheduler.sampler(), options.steps());
    var whole = StagePlan.of(StageConfig.vanilla(), scheduler.schedule(), options.frames());
    var vanilla = StagedSampler.of(whole, scheduler.sampler(), options.steps());
    try (var memory = AnonymousMemory.watching();
        Engine torch = TorchEngine.best();
        Engine onnx = OnnxEngine.on(OnnxDevice.AUTO);
        var onTorch = EngineBench.load(torch, model, plan, shape);
        var onOnnx = EngineBench.load(onnx, model, plan, shape)) {
      List<Double> errors = errors(onTorch, onOnnx);
      List<EngineBench> both = List.of(onTorch, onOnnx);
      both.forEach(engine -> engine.warmUp(staged));
      both.forEach(engine -> engine.warmUp(vanilla));
      for (int round = 0; round < options.rounds(); round++) {
        for (EngineBench engine : both) {
          engine.runStaged(staged);
          engine.runVanilla(vanilla);
        }
      }
      return new BenchResult(
          subject(),
          List.of(
              figures("torch", onTorch, predicted(torch)),
              figures("onnx", onOnnx, predicted(onnx))),
          errors,
          memory.peakBytes());
    }
  }

  private String subject() {
    return "%d of %d blocks, latents %s in stages of %s frames, %d steps, fp32 weights"
        .formatted(
            FewerBlocks.count(model.denoiser().program()),
            allBlocks,
            shape,
            plan.stages().stream().map(Stage::frames).toList(),
            options.steps());
  }

  private static BenchResult.Figures figures(String name, EngineBench engine, double predicted) {
    return new BenchResult.Figures(
        name,
        new BenchResult.Seconds(
            engine.firstOutputSeconds(), engine.stagedSeconds(), engine.vanillaSeconds()),
        engine.speedUp(),
        predicted);
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

  /** ONNX Runtime against torch in every stage: max|difference| / max|torch|. */
  private List<Double> errors(EngineBench torch, EngineBench onnx) {
    var errors = new ArrayList<Double>();
    for (Stage stage : plan.stages()) {
      double timestep = plan.schedule().timestep(stage.start());
      Latents reference = torch.predict(stage, timestep);
      Latents other = onnx.predict(stage, timestep);
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
