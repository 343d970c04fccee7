package io.github.tpdiff.cli;

import io.github.tpdiff.lora.data.LatentSample;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.lora.job.CheckpointProbe;
import io.github.tpdiff.lora.train.StageLosses;
import io.github.tpdiff.lora.train.StageProbe;
import io.github.tpdiff.lora.train.StageSearch;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.cost.Calibration;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.cost.PlanCost;
import io.github.tpdiff.runtime.cost.PlanCost.StageCost;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StagePlanner;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Candidate;
import io.github.tpdiff.runtime.diffusion.Steps;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.Sampling;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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
      "With --clips it chooses the stages: it encodes some of your clips, weighs for each pyramid over"
          + " time and space what its boundaries would lose of them and what it costs, and shows why"
          + " it took one. With --probe it also runs the checkpoint on them: what it knows of each"
          + " stage before any training, and which positions it should be told."
    },
    footer = {
      "  tpdiff plan checkpoint --stages 3",
      "  tpdiff plan checkpoint --stages 3 --split 1-1-2 --size 832x480 --frames 81",
      "  tpdiff plan checkpoint --clips clips",
      "  tpdiff plan checkpoint --clips clips --boundaries-from spectrum --budget 0.02",
      "  tpdiff plan checkpoint --clips clips --probe",
      "  tpdiff plan checkpoint --clips clips --probe --rates 2x2x2,2x2x2"
    })
final class PlanCommand implements Callable<Integer> {
  private static final double MEGABYTE = 1 << 20;

  /** As many as the paper uses; with a fourth its scores were lower. */
  private static final int MOST_STAGES = 3;

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
      boolean said = !sampling.stages().equals(StageChoice.asTrained());
      clips.require(said);
      boolean chosen = clips.isGiven() && !said;
      Decided decided = decided(model, sampling.stages());
      StageOptions.printDifferences(spec.commandLine().getErr(), decided);
      // Clips that are to choose their stages need not divide into any.
      StageConfig asked = chosen ? StageConfig.vanilla() : decided.stages();
      VideoSize size = video.size().of(model.description(), asked);
      var clip = size.latentShape(model.description().latents(), asked);
      var pricing = new StagePricing(model, sampling, clip);
      try (Engine engine = engines.open(compute)) {
        var given = new Given(pricing, engine, sample(pricing, asked, size, engine));
        StageConfig stages = chosen ? choose(given) : probed(given, asked);
        print(pricing.plan(stages), pricing.of(stages), engine);
      }
    }
    return ExitCode.DONE;
  }

  /** Where clips are given, stages are planned that nothing was trained for yet. */
  private Decided decided(VideoModel model, StageChoice choice) {
    return clips.isGiven()
        ? choice.decide(Optional.empty(), model.description().vanillaStages())
        : model.stages(choice);
  }

  /** What is chosen from, and looked at. */
  private record Given(StagePricing pricing, Engine engine, Optional<LatentSample> sample) {
    ModelEncoders encoders() {
      return new ModelEncoders(pricing.model(), engine);
    }
  }

  private Optional<LatentSample> sample(
      StagePricing pricing, StageConfig stages, VideoSize size, Engine engine) {
    return clips.isGiven()
        ? Optional.of(
            clips.sample(
                new ModelEncoders(pricing.model(), engine),
                size,
                pricing.plan(stages),
                spec.commandLine().getErr()))
        : Optional.empty();
  }

  private StageConfig choose(Given given) {
    LatentSample sample = given.sample().orElseThrow();
    StagePricing pricing = given.pricing();
    ModelDescription description = pricing.model().description();
    var planner =
        new StagePlanner(pricing.schedule(), sample.spectrum(description.flow()), clips.budget());
    List<Candidate> candidates =
        planner.candidates(
            new StagePlanner.Search(
                description.vanillaStages(),
                pricing.sampling().steps() instanceof Steps.Count steps
                    ? Math.min(MOST_STAGES, steps.total())
                    : MOST_STAGES,
                description.latents().sizeMultiple() / description.latents().spatialFactor(),
                clips.boundaries()),
            pricing::ofVanilla);
    StageSearch search;
    if (clips.isProbe()) {
      TrainingSet told = sample.told(given.encoders());
      search =
          StageSearch.byProbe(
              planner, candidates, clips.excess(), stages -> losses(given, told, stages));
    } else {
      search = StageSearch.byInformation(planner, candidates);
    }
    new PlanTable(spec.commandLine().getOut()).print(sample, search, clips.boundaries());
    search.losses(search.chosen()).ifPresent(losses -> print(given, search.stages(), losses));
    return search.stages();
  }

  /** The stages that options say, of which a probe shows what the checkpoint knows. */
  private StageConfig probed(Given given, StageConfig stages) {
    if (given.sample().isEmpty()) {
      return stages;
    }
    StageLosses losses = losses(given, given.sample().get().told(given.encoders()), stages);
    print(given, stages, losses);
    StageConfig best = stages.withPositions(losses.best());
    StageText.print(best, spec.commandLine().getOut());
    return best;
  }

  private StageLosses losses(Given given, TrainingSet told, StageConfig stages) {
    StageProbe probe =
        CheckpointProbe.of(given.pricing().model(), stages, given.pricing().schedule(), told);
    try (var progress =
        new ItemProgress("probing " + StageText.rates(stages), spec.commandLine().getErr())) {
      return probe.losses(
          given.engine(),
          StageProbe.Extent.ALL,
          (done, total) -> progress.reached("passes", done, total));
    }
  }

  private void print(Given given, StageConfig stages, StageLosses losses) {
    VideoModel model = given.pricing().model();
    new ProbeTable(spec.commandLine().getOut())
        .print(given.pricing().plan(stages), losses, TrainingTarget.network(model).program());
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
