package io.github.tpdiff.lora.job;

import static java.util.Objects.requireNonNull;

import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.lora.data.EpochBatches;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.cost.TrainingCost;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.engine.HostMemory;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * What a job's training would take, without doing it.
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
   * @param seconds of an optimizer step
   * @param peakBytes of activations, weights, what is trained; the system may drop weights that are
   *     mapped
   * @param warmUpSeconds that the first steps take beyond that; there where steps were made
   */
  public record Row(
      VideoSize size,
      int stage,
      double share,
      LatentGrid grid,
      long tokens,
      double seconds,
      long peakBytes,
      OptionalDouble warmUpSeconds) {
    private Row like(Row predicted, Row measured) {
      double slower = measured.seconds / predicted.seconds;
      long more = measured.peakBytes - predicted.peakBytes;
      return new Row(
          size, stage, share, grid, tokens, slower * seconds, peakBytes + more, warmUpSeconds);
    }

    private Row measured(TrialSteps.Taken taken, long residentBytes) {
      long peak =
          taken.peakBytes().isPresent() ? taken.peakBytes().getAsLong() - residentBytes : peakBytes;
      var warmUp = OptionalDouble.of(taken.warmUpSeconds());
      return new Row(size, stage, share, grid, tokens, taken.seconds(), peak, warmUp);
    }
  }

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
              (offloads ? cost.offloadedBytes() : cost.activationBytes()) + others,
              OptionalDouble.empty()));
    }
    return new DryRun(
        rows,
        settings.steps(),
        AlignmentCost.secondsPerStep(job),
        new Memory(free.isPresent() ? 0 : HostMemory.residentBytes(), least, offloads),
        JobNotes.of(job));
  }

  /**
   * The same from steps that are really made, of made-up clips, as far as a minute or so takes
   * them; batches that are not tried are taken to be as much slower or faster than predicted as
   * those of about their size.
   *
   * @param machine what the engine sustains here, measured where not all is tried
   * @param batches of an epoch
   */
  public static DryRun tried(
      ResolvedJob job, TrainingEngine engine, Supplier<Machine> machine, EpochBatches batches) {
    OptionalLong free = engine.freeDeviceMemory();
    DryRun guessed = of(job, TrialSteps.SLOW, batches, free);
    Map<Integer, TrialSteps.Taken> taken = new TrialSteps(job, engine).of(guessed);
    boolean all =
        IntStream.range(0, guessed.rows.size())
            .allMatch(i -> guessed.rows.get(i).share() == 0 || taken.containsKey(i));
    DryRun priced = all ? guessed : of(job, machine.get(), batches, free);
    return taken.isEmpty() ? priced : priced.with(taken, guessed.memory);
  }

  private DryRun with(Map<Integer, TrialSteps.Taken> taken, Memory before) {
    var measured = new TreeMap<Integer, Row>();
    taken.forEach((i, own) -> measured.put(i, rows.get(i).measured(own, before.residentBytes())));
    for (int i = 0; i < rows.size(); i++) {
      if (!taken.containsKey(i)) {
        Row row = rows.get(i);
        int nearest = nearest(row, taken.keySet());
        measured.put(i, row.like(rows.get(nearest), requireNonNull(measured.get(nearest))));
      }
    }
    return new DryRun(List.copyOf(measured.values()), steps, alignmentSeconds, before, notes);
  }

  /** Of some rows, that whose prediction is nearest. */
  private int nearest(Row row, Collection<Integer> among) {
    return Collections.min(
        among,
        Comparator.comparingDouble(i -> Math.abs(Math.log(rows.get(i).seconds() / row.seconds()))));
  }

  /** Seconds of all steps, sizes and stages visited as often as they will be. */
  public double seconds() {
    return steps * rows.stream().mapToDouble(r -> r.share() * r.seconds()).sum()
        + rows.stream().mapToDouble(r -> r.warmUpSeconds().orElse(0)).sum();
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

  /** The largest peak of the process. */
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
            Locale.ROOT,
            "%d steps: about %.0f s of computing%s%s",
            steps,
            seconds(),
            rows.stream().anyMatch(row -> row.warmUpSeconds().isPresent())
                ? ", by steps made here on made-up clips"
                : "",
            speedUp));
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
