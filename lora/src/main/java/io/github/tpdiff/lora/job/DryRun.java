package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.WeightChange;
import io.github.tpdiff.lora.data.EpochBatches;
import io.github.tpdiff.lora.train.PhasedDiffusion;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.cost.TrainingCost;
import io.github.tpdiff.runtime.cost.TrainingCostModel;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.TimeRange;
import io.github.tpdiff.runtime.engine.HostMemory;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a job's training would take, without doing any of it.
 *
 * @param rows a line for each size and stage, stages in sampling order, and one for training the
 *     size without stages
 * @param steps of the job
 * @param alignmentSeconds predicted for aligning noises, a step, if every clip can be exchanged
 * @param residentBytes that the process holds already
 * @param notes on what is trained at which times, and shown of pictures
 */
public record DryRun(
    List<Row> rows, int steps, double alignmentSeconds, long residentBytes, List<String> notes) {
  /** Value and gradient where they are computed, the next gradient, and the host's values. */
  private static final long BYTES_PER_TRAINED = 4L * Float.BYTES;

  /**
   * One size in one stage.
   *
   * @param size of the clips
   * @param stage its number, 0 for training without stages
   * @param share of the steps that visit it
   * @param grid of its latents
   * @param tokens of the longest sequence
   * @param seconds predicted for an optimizer step
   * @param peakBytes predicted: activations, all weights, what is trained; the system may drop
   *     weights that are mapped
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

  /** Prices a job whose sizes are all visited alike. */
  public static DryRun of(ResolvedJob job, Machine machine) {
    var alike = new LinkedHashMap<VideoSize, Double>();
    job.sizes().forEach(size -> alike.put(size, 1.0 / job.sizes().size()));
    return of(job, machine, alike);
  }

  /**
   * Prices a job on its data.
   *
   * @param machine what the engine sustains here
   * @param batches of an epoch
   */
  public static DryRun of(ResolvedJob job, Machine machine, EpochBatches batches) {
    double fps = job.sizes().get(0).fps();
    var shares = new LinkedHashMap<VideoSize, Double>();
    batches
        .shares()
        .forEach(
            (clip, share) ->
                shares.put(new VideoSize(clip.height(), clip.width(), clip.frames(), fps), share));
    return of(job, machine, shares);
  }

  /**
   * @param sizes shares of the steps
   */
  private static DryRun of(ResolvedJob job, Machine machine, Map<VideoSize, Double> sizes) {
    var network = TrainingTarget.network(job.model(), job.denoiser());
    Program program =
        job.target().injection().map(LoraInjection::program).orElse(network.program());
    var pricing =
        new Pricing(
            job,
            program,
            new TrainingCostModel(
                program, sizes(job.target().held()), job.target().trainedTensors()),
            machine,
            trainedBytes(job));
    var rows = new ArrayList<Row>();
    for (VideoSize size : sizes.keySet()) {
      double ofSize = sizes.getOrDefault(size, 0.0);
      LatentShape shape =
          size.latentShape(job.model().description().latents(), job.diffusion().stages());
      var plan = job.diffusion().plan(shape.grid());
      Map<Integer, Double> shares = job.diffusion().shares(plan);
      for (Stage stage : plan.stages()) {
        double share = ofSize * shares.getOrDefault(stage.number(), 0.0);
        if (share > 0) {
          rows.add(pricing.row(size, stage.number(), share, shape.withGrid(stage.grid().size())));
        }
      }
      if (!job.diffusion().stages().equals(StageConfig.vanilla())) {
        rows.add(pricing.row(size, 0, 0, shape));
      }
    }
    return new DryRun(
        rows,
        job.job().train().settings().steps(),
        AlignmentCost.secondsPerStep(job),
        HostMemory.residentBytes(),
        notes(job));
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
    notes.addAll(LoraNotes.of(job));
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

  /** Frozen weights as they are held; what is added is counted with what is trained. */
  static WeightSizes sizes(Component network) {
    TensorSource weights = network.weights();
    WeightSizes held = WeightSizes.held(weights);
    return (name, elements) -> weights.find(name).isPresent() ? held.bytes(name, elements) : 0;
  }

  private static long trainedBytes(ResolvedJob job) {
    var descent = job.job().train().settings().descent();
    double perValue = BYTES_PER_TRAINED + descent.rememberedBytesPerValue();
    return Math.round(perValue * trainedValues(job));
  }

  private static long trainedValues(ResolvedJob job) {
    return job.target()
        .injection()
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
      ResolvedJob job, Program program, TrainingCostModel model, Machine machine, long others) {

    Row row(VideoSize size, int stage, double share, LatentShape shape) {
      var settings = job.job().train().settings();
      var batches = settings.batches();
      TrainingCost cost =
          model.price(
              NetworkInputs.shapes(
                  program, job.model().description().flow(), shape.withBatch(batches.size())),
              settings.activations().keptBytes(HostMemory::availableBytes));
      double seconds = machine.predictSeconds(cost.work()) * batches.accumulation();
      long peak = cost.activationBytes() + cost.weightBytes() + others;
      return new Row(size, stage, share, shape.grid(), cost.tokens(), seconds, peak);
    }
  }

  /** Predicted seconds of all steps, sizes and stages visited as often as they will be. */
  public double seconds() {
    return steps * rows.stream().mapToDouble(r -> r.share() * r.seconds()).sum();
  }

  /** The same without stages; 0 where the job has none. */
  public double vanillaSeconds() {
    return steps
        * rows.stream()
            .filter(r -> r.stage() == 0)
            .mapToDouble(r -> share(r.size()) * r.seconds())
            .sum();
  }

  /** Of the steps, those that visit a size. */
  private double share(VideoSize size) {
    return rows.stream().filter(r -> r.size().equals(size)).mapToDouble(Row::share).sum();
  }

  /** The largest predicted peak of the process. */
  public long peakBytes() {
    return residentBytes
        + rows.stream().filter(r -> r.share() > 0).mapToLong(Row::peakBytes).max().orElse(0);
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
              (residentBytes + r.peakBytes()) / 1e9));
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
