package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.WeightChange;
import io.github.tpdiff.lora.train.PhasedDiffusion;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.cost.Cost;
import io.github.tpdiff.runtime.cost.CostModel;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.TimeRange;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.weights.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a job's training would take, without doing any of it.
 *
 * @param rows a line for each size and stage, stages in sampling order, and one for training the
 *     size without stages
 * @param steps of the job
 * @param alignmentSeconds predicted for aligning noises, a step, if every clip can be exchanged
 * @param notes on what is trained at which times, and shown of pictures
 */
public record DryRun(List<Row> rows, int steps, double alignmentSeconds, List<String> notes) {
  /** Value, gradient, two running means, and the engine's copies of value and gradient. */
  private static final long BYTES_PER_TRAINED = 6L * Float.BYTES;

  /**
   * One size in one stage.
   *
   * @param size of the clips
   * @param stage its number, 0 for training without stages
   * @param share of the steps that visit it
   * @param grid of its latents
   * @param tokens of the longest sequence
   * @param seconds predicted for an optimizer step
   * @param peakBytes predicted: activations, the largest segment's weights, what is trained
   */
  public record Row(
      VideoSize size,
      int stage,
      double share,
      LatentGrid grid,
      long tokens,
      double seconds,
      long peakBytes) {}

  public DryRun {
    rows = List.copyOf(rows);
    notes = List.copyOf(notes);
  }

  /**
   * Prices a job.
   *
   * @param machine what the engine sustains here
   */
  public static DryRun of(ResolvedJob job, Machine machine) {
    var network = TrainingTarget.network(job.model(), job.denoiser());
    Program program = job.injection().map(LoraInjection::program).orElse(network.program());
    var pricing =
        new Pricing(
            job,
            program,
            new CostModel(program, WeightSizes.all(DType.F32)),
            machine,
            BYTES_PER_TRAINED * trainedValues(job));
    var rows = new ArrayList<Row>();
    for (VideoSize size : job.sizes()) {
      LatentShape shape =
          size.latentShape(job.model().description().latents(), job.diffusion().stages());
      var plan = job.diffusion().plan(shape.grid());
      List<Stage> visited = job.diffusion().visited(plan);
      List<Double> weights =
          job.diffusion()
              .weights()
              .among(plan.stages().stream().map(visited::contains).toList())
              .weights();
      double all = weights.stream().mapToDouble(Double::doubleValue).sum();
      for (int i = 0; i < plan.stages().size(); i++) {
        Stage stage = plan.stages().get(i);
        if (visited.contains(stage)) {
          double share = weights.get(i) / all;
          rows.add(pricing.row(size, stage.number(), share, shape.withGrid(stage.grid().size())));
        }
      }
      if (!job.diffusion().stages().equals(StageConfig.vanilla())) {
        rows.add(pricing.row(size, 0, 0, shape));
      }
    }
    return new DryRun(
        rows, job.job().train().settings().steps(), AlignmentCost.secondsPerStep(job), notes(job));
  }

  private static List<String> notes(ResolvedJob job) {
    var notes = new ArrayList<String>();
    PhasedDiffusion diffusion = job.diffusion();
    TimeRange times = diffusion.times();
    job.expert()
        .ifPresent(
            name ->
                notes.add(
                    String.format(
                        Locale.ROOT,
                        "%s is trained at times %.4f to %.4f, at which a video asks it",
                        name,
                        times.start(),
                        times.end())));
    job.pictures().words().ifPresent(notes::add);
    OpenPositions.note(job).ifPresent(notes::add);
    LatentGrid grid =
        job.sizes()
            .get(0)
            .latentShape(job.model().description().latents(), diffusion.stages())
            .grid();
    for (Stage stage : diffusion.plan(grid).stages()) {
      if (times.within(stage).isEmpty()) {
        notes.add(
            String.format(
                Locale.ROOT,
                "stage %d, times %.4f to %.4f, is wholly outside: never visited",
                stage.number(),
                stage.start(),
                stage.end()));
      }
    }
    return notes;
  }

  private static long trainedValues(ResolvedJob job) {
    return job.injection()
        .map(i -> i.modules().stream().mapToLong(WeightChange::values).sum())
        .orElseGet(
            () ->
                TrainingTarget.requireTrained(
                        TrainingTarget.network(job.model(), job.denoiser()),
                        job.job().train().weights())
                    .stream()
                    .mapToLong(
                        name ->
                            TrainingTarget.network(job.model(), job.denoiser())
                                .weights()
                                .require(name)
                                .elementCount())
                    .sum());
  }

  private record Pricing(
      ResolvedJob job, Program program, CostModel model, Machine machine, long trainedBytes) {

    Row row(VideoSize size, int stage, double share, LatentShape shape) {
      var settings = job.job().train().settings();
      var batches = settings.batches();
      Cost cost =
          model.price(
              NetworkInputs.shapes(
                  program, job.model().description().flow(), shape.withBatch(batches.size())));
      double seconds =
          Cost.forwardPasses(settings.activations())
              * machine.predictSeconds(cost)
              * batches.accumulation();
      long peak = cost.trainingPeakBytes(settings.activations()) + trainedBytes;
      return new Row(size, stage, share, shape.grid(), cost.tokens(), seconds, peak);
    }
  }

  /** Predicted seconds of all steps, sizes and stages visited as often as they will be. */
  public double seconds() {
    return steps * rows.stream().mapToDouble(r -> r.share() * r.seconds()).sum() / sizes();
  }

  /** The same without stages; 0 where the job has none. */
  public double vanillaSeconds() {
    return steps
        * rows.stream().filter(r -> r.stage() == 0).mapToDouble(Row::seconds).sum()
        / sizes();
  }

  private long sizes() {
    return rows.stream().map(Row::size).distinct().count();
  }

  /** The largest predicted peak. */
  public long peakBytes() {
    return rows.stream().filter(r -> r.share() > 0).mapToLong(Row::peakBytes).max().orElse(0);
  }

  /** A table for people. */
  public List<String> table() {
    var lines = new ArrayList<>(notes);
    lines.add(
        String.format(
            Locale.ROOT,
            "%-16s %-8s %12s %8s %10s %12s",
            "size",
            "stage",
            "latents",
            "tokens",
            "s/step",
            "peak memory"));
    for (Row r : rows) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%-16s %-8s %12s %8d %10.3g %9.2f GB",
              ClipSize.of(r.size()),
              r.stage() == 0 ? "vanilla" : Integer.toString(r.stage()),
              PreparationCost.words(r.grid()),
              r.tokens(),
              r.seconds(),
              r.peakBytes() / 1e9));
    }
    String speedUp =
        vanillaSeconds() > 0
            ? String.format(
                Locale.ROOT, "; without stages %.2f times that", vanillaSeconds() / seconds())
            : "";
    lines.add(
        String.format(
            Locale.ROOT, "%d steps: about %.0f s of computing%s", steps, seconds(), speedUp));
    if (alignmentSeconds > 0) {
      lines.add(
          String.format(
              Locale.ROOT,
              "alignment: at most %.3g s a step on one core, beside the computing; nothing where no"
                  + " two clips of a window share a caption",
              alignmentSeconds));
    }
    return lines;
  }
}
