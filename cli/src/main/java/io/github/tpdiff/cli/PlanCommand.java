package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.cost.Calibration;
import io.github.tpdiff.runtime.cost.CostModel;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.cost.PlanCost;
import io.github.tpdiff.runtime.cost.PlanCost.StageCost;
import io.github.tpdiff.runtime.cost.PlanCost.StageRun;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.DenoiserInputs;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.pipeline.Sampling;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prices a pyramid before it is run. */
@Command(
    name = "plan",
    description = {
      "Shows the stages of a video: frames, tokens, predicted time and peak memory, vanilla beside"
          + " staged.",
      "The speed of this machine is measured first, for some seconds; nothing of the model is run."
    },
    footer = {
      "  tpdiff plan checkpoint --stages 3",
      "  tpdiff plan checkpoint --stages 3 --split 1-1-2 --size 832x480 --frames 81"
    })
final class PlanCommand implements Callable<Integer> {
  private static final double MEGABYTE = 1 << 20;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description = "A checkpoint: a folder as published, or a file of several networks.")
  private Path folder;

  @Mixin private PartOptions parts = new PartOptions();
  @Mixin private LoraOptions lora = new LoraOptions();
  @Mixin private VideoOptions video = new VideoOptions();
  @Mixin private EngineOptions engines = new EngineOptions();
  @Mixin private ComputeOption compute = new ComputeOption();

  @Override
  public Integer call() {
    try (VideoModel model = lora.read().merged(Families.open(parts.at(folder)))) {
      Sampling sampling = video.sampling(model.description());
      Decided decided = model.stages(sampling.stages());
      StageOptions.printDifferences(spec.commandLine().getErr(), decided);
      StageConfig stages = decided.stages();
      LatentShape shape =
          video.size(model.description()).latentShape(model.description().latents(), stages);
      var plan = StagePlan.of(stages, sampling.scheduler().schedule(), shape.frames());
      Component denoiser = require(model, Role.DENOISER);
      int textTokens = model.description().text().maxLength();
      try (Engine engine = engines.open(compute)) {
        PlanCost cost =
            PlanCost.of(
                new CostModel(denoiser.program(), WeightSizes.of(denoiser.weights())),
                frames ->
                    DenoiserInputs.shapes(denoiser.program(), shape.withFrames(frames), textTokens),
                new PlanCost.Request(
                    runs(plan, sampling), sampling.guidance().needsUnconditional() ? 2 : 1));
        print(plan, cost, engine);
      }
    }
    return ExitCode.DONE;
  }

  private static Component require(VideoModel model, Role role) {
    Component component = model.components().get(role);
    if (component == null) {
      throw new CheckpointException(
          "%s: the checkpoint has no such component, which the plan prices"
              .formatted(role.label()));
    }
    return component;
  }

  private static List<StageRun> runs(StagePlan plan, Sampling sampling) {
    List<Integer> steps = plan.config().splitSteps(sampling.steps());
    var runs = new ArrayList<StageRun>();
    for (int i = 0; i < steps.size(); i++) {
      runs.add(new StageRun(plan.stages().get(i).frames(), steps.get(i)));
    }
    return runs;
  }

  private void print(StagePlan plan, PlanCost cost, Engine engine) {
    PrintWriter out = spec.commandLine().getOut();
    out.println("engine: " + engine.description());
    Machine machine = Calibration.measure(engine);
    out.println(
        "stage  time          latent frames   tokens  steps    GFLOP    seconds  activations");
    for (int i = 0; i < cost.stages().size(); i++) {
      Stage stage = plan.stages().get(i);
      row(
          out,
          "%5d  %4.2f to %4.2f".formatted(stage.number(), stage.start(), stage.end()),
          cost.stages().get(i),
          machine);
    }
    row(out, "vanilla            ", cost.vanilla(), machine);
    out.printf(
        Locale.ROOT,
        "staged %.2f s, vanilla %.2f s: %.2f times faster; weights %.0f MB beside the"
            + " activations%n",
        cost.seconds(machine),
        cost.vanilla().seconds(machine),
        cost.speedUp(machine),
        cost.vanilla().cost().weightBytes() / MEGABYTE);
    out.flush();
  }

  private static void row(PrintWriter out, String name, StageCost cost, Machine machine) {
    out.printf(
        Locale.ROOT,
        "%s  %13d  %7d  %5d  %7.0f  %9.2f  %8.0f MB%n",
        name,
        cost.run().frames(),
        cost.tokens(),
        cost.run().steps(),
        cost.flops() / 1e9,
        cost.seconds(machine),
        cost.peakBytes() / MEGABYTE);
  }
}
