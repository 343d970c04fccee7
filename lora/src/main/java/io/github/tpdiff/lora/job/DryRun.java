package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.lora.data.EpochBatches;
import io.github.tpdiff.lora.train.PhasedDiffusion;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.cost.TrainingCost;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.TimeRange;
import io.github.tpdiff.runtime.engine.HostMemory;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;

/**
 * What a job's training would take, without doing any of it.
 *
 * @param rows a line for each size and stage, stages in sampling order, and one for training the
 *     size without stages
 * @param steps of the job
 * @param alignmentSeconds predicted for aligning noises, a step, if every clip can be exchanged
 * @param memory in which it is computed
 * @param notes on what is trained at which times, and shown of pictures
 */
public record DryRun(
    List<Row> rows, int steps, double alignmentSeconds, Memory memory, List<String> notes) {
  /**
   * Where it is computed.
   *
   * @param residentBytes that the process holds there already
   * @param least bytes that are needed
   * @param offloads whether what can wait on the host does
   */
  public record Memory(long residentBytes, TrainingBytes least, boolean offloads) {}

  /**
   * One size in one stage.
   *
   * @param size of the clips
   * @param stage its number, 0 for training without stages
   * @param share of the steps that visit it
   * @param grid of its latents
   * @param tokens of the longest sequence
   * @param seconds predicted for an optimizer step
   * @param peakBytes predicted: activations, weights, what is trained; the system may drop weights
   *     that are mapped
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

  /** Prices a job whose sizes are all visited alike, on the host. */
  public static DryRun of(ResolvedJob job, Machine machine) {
    var alike = new LinkedHashMap<VideoSize, Double>();
    job.sizes().forEach(size -> alike.put(size, 1.0 / job.sizes().size()));
    return of(job, machine, alike, OptionalLong.empty());
  }

  /**
   * Prices a job on its data.
   *
   * @param machine what the engine sustains here
   * @param batches of an epoch
   * @param free bytes of the memory that the engine's device has for itself, if it has any
   */
  public static DryRun of(
      ResolvedJob job, Machine machine, EpochBatches batches, OptionalLong free) {
    return of(job, machine, StepPricing.sizes(job, batches), free);
  }

  /**
   * @param sizes shares of the steps
   */
  private static DryRun of(
      ResolvedJob job, Machine machine, Map<VideoSize, Double> sizes, OptionalLong free) {
    var pricing = StepPricing.of(job);
    TrainingBytes least = pricing.leastBytes(sizes);
    boolean offloads = job.job().train().offload().applies(() -> least, free);
    long weights = offloads ? pricing.frozen().offloaded() : pricing.frozen().all();
    long others = weights + pricing.trainedBytes();
    var settings = job.job().train().settings();
    long kept =
        settings
            .activations()
            .keptBytes(
                () ->
                    free.isPresent()
                        ? Math.max(0, free.getAsLong() - others)
                        : HostMemory.availableBytes());
    var rows = new ArrayList<Row>();
    for (StepPricing.Visit visit : pricing.visits(sizes)) {
      TrainingCost cost = pricing.price(visit, kept);
      rows.add(
          new Row(
              visit.size(),
              visit.stage(),
              visit.share(),
              visit.shape().grid(),
              cost.tokens(),
              machine.predictSeconds(cost.work()) * settings.batches().accumulation(),
              (offloads ? cost.offloadedBytes() : cost.activationBytes()) + others));
    }
    return new DryRun(
        rows,
        settings.steps(),
        AlignmentCost.secondsPerStep(job),
        new Memory(free.isPresent() ? 0 : HostMemory.residentBytes(), least, offloads),
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
    return memory.residentBytes()
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
              (memory.residentBytes() + r.peakBytes()) / 1e9));
    }
    lines.add(memory.least().words() + (memory.offloads() ? "; the latter is done" : ""));
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
