package io.github.tpdiff.cli;

import io.github.tpdiff.lora.data.LatentSample;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.runtime.cost.Calibration;
import io.github.tpdiff.runtime.cost.CostModel;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.cost.PlanCost;
import io.github.tpdiff.runtime.cost.PlanCost.StageCost;
import io.github.tpdiff.runtime.cost.PlanCost.StageRun;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.Sampling;
import io.github.tpdiff.runtime.pipeline.VideoSize;
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
      "The speed of this machine is measured first, for some seconds; nothing of the model is run.",
      "",
      "With --clips it chooses the stages: it encodes some of your clips, weighs for each pyramid what"
          + " its boundaries would lose of them and what it costs, and shows why it took one."
    },
    footer = {
      "  tpdiff plan checkpoint --stages 3",
      "  tpdiff plan checkpoint --stages 3 --split 1-1-2 --size 832x480 --frames 81",
      "  tpdiff plan checkpoint --clips clips",
      "  tpdiff plan checkpoint --clips clips --boundaries-from spectrum --budget 0.02"
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
  @Mixin private ClipOptions clips = new ClipOptions();
  @Mixin private EngineOptions engines = new EngineOptions();
  @Mixin private ComputeOption compute = new ComputeOption();

  @Override
  public Integer call() {
    try (VideoModel model = lora.read().merged(Families.open(parts.at(folder)))) {
      Sampling sampling = video.sampling().of(model.description());
      if (clips.isGiven() && !sampling.stages().equals(StageChoice.asTrained())) {
        throw new IllegalArgumentException(
            "--clips: chooses the stages; leave out --stages and what else says them");
      }
      Decided decided = model.stages(sampling.stages());
      StageOptions.printDifferences(spec.commandLine().getErr(), decided);
      VideoSize size = video.size().of(model.description(), firstOf(decided));
      var clip = size.latentShape(model.description().latents(), firstOf(decided));
      var pricing = new Pricing(model, sampling, clip);
      try (Engine engine = engines.open(compute)) {
        StageConfig stages = clips.isGiven() ? choose(pricing, size, engine) : decided.stages();
        print(pricing.plan(stages), pricing.of(stages), engine);
      }
    }
    return ExitCode.DONE;
  }

  /** Clips that are to choose their stages need not divide into those of the options. */
  private StageConfig firstOf(Decided decided) {
    return clips.isGiven() ? StageConfig.vanilla() : decided.stages();
  }

  private StageConfig choose(Pricing pricing, VideoSize size, Engine engine) {
    VideoModel model = pricing.model();
    LatentSample sample =
        clips.sample(new ModelEncoders(model, engine), size, spec.commandLine().getErr());
    var weighed =
        clips.weigh(
            sample.spectrum(model.description().flow()),
            pricing.sampling(),
            model.description().latents().resampling(),
            stages -> pricing.of(stages).flops() / (double) pricing.of(stages).vanilla().flops());
    clips.print(sample, weighed, spec.commandLine().getOut());
    return model.stages(StageChoice.of(weighed.chosen().stages())).stages();
  }

  /** What sampling one clip costs. */
  private record Pricing(VideoModel model, Sampling sampling, LatentShape clip) {
    StagePlan plan(StageConfig stages) {
      return StagePlan.of(stages, sampling.scheduler().schedule(), clip.grid());
    }

    PlanCost of(StageConfig stages) {
      Component denoiser = model.require(model.description().denoiser());
      return PlanCost.of(
          new CostModel(denoiser.program(), WeightSizes.of(denoiser.weights())),
          new PlanCost.Request(runs(plan(stages)), sampling.needsUnconditional() ? 2 : 1));
    }

    private List<StageRun> runs(StagePlan plan) {
      Component denoiser = model.require(model.description().denoiser());
      Flow flow = model.description().flow();
      List<Integer> steps = plan.config().splitSteps(sampling.steps());
      var runs = new ArrayList<StageRun>();
      for (int i = 0; i < steps.size(); i++) {
        LatentShape shape = clip.withGrid(plan.stages().get(i).grid().size());
        runs.add(new StageRun(NetworkInputs.shapes(denoiser.program(), flow, shape), steps.get(i)));
      }
      return runs;
    }
  }

  private void print(StagePlan plan, PlanCost cost, Engine engine) {
    PrintWriter out = spec.commandLine().getOut();
    out.println("engine: " + engine.description());
    Machine machine = Calibration.measure(engine);
    out.println(
        "stage  time            latent grid   tokens  steps    GFLOP    seconds  activations");
    for (int i = 0; i < cost.stages().size(); i++) {
      Stage stage = plan.stages().get(i);
      row(
          out,
          "%5d  %4.2f to %4.2f".formatted(stage.number(), stage.start(), stage.end()),
          stage.grid().size(),
          cost.stages().get(i),
          machine);
    }
    row(out, "vanilla            ", plan.grid(), cost.vanilla(), machine);
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

  private static void row(
      PrintWriter out, String name, LatentGrid grid, StageCost cost, Machine machine) {
    out.printf(
        Locale.ROOT,
        "%s  %13s  %7d  %5d  %7.0f  %9.2f  %8.0f MB%n",
        name,
        grid,
        cost.tokens(),
        cost.run().steps(),
        cost.flops() / 1e9,
        cost.seconds(machine),
        cost.peakBytes() / MEGABYTE);
  }
}
