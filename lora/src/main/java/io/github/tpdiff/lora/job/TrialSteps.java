package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.train.BatchSource;
import io.github.tpdiff.lora.train.NonFiniteException;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingBatch;
import io.github.tpdiff.lora.train.TrainingData;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingProgress;
import io.github.tpdiff.lora.train.TrainingRun;
import io.github.tpdiff.lora.train.TrainingSettings;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.TrainingExample;
import io.github.tpdiff.runtime.engine.HostMemory;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.model.Conditions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * Optimizer steps that are really made, on made-up batches: what a price does not know, such as
 * compiling programs and starting many small operations, is in them.
 */
record TrialSteps(ResolvedJob job, TrainingEngine engine) {
  /** A few cores, by which steps are chosen before the machine is measured. */
  static final Machine SLOW =
      new Machine(
          new Machine.Products(1e11, 1e9), new Machine.Products(5e10, 1e9), 5e10, 5e9, 1e-5);

  /** Seconds that steps may take in all, as predicted. */
  private static final double SECONDS = 60;

  /** Bytes of weights that are read and laid out in a second, at least. */
  private static final double WEIGHT_BYTES_PER_SECOND = 5e8;

  /** Steps of a batch: the first makes its programs, the second fits them to the sizes. */
  private static final int STEPS = 7;

  private static final int WARM_UPS = 2;

  /**
   * What steps of a batch took.
   *
   * @param seconds of one, the middle of those after the first two
   * @param warmUpSeconds that the first two took beyond that
   * @param peakBytes of the process until then, where the system says so
   */
  record Taken(double seconds, double warmUpSeconds, OptionalLong peakBytes) {}

  /**
   * Makes steps of the batches that take most of a job, as far as they are short and fit in memory.
   *
   * @param dry the job, priced
   * @return what they took, by the number of the batch's row; empty where none is short, or a loss
   *     was not finite
   */
  Map<Integer, Taken> of(DryRun dry) {
    List<DryRun.Row> rows = chosen(dry);
    if (rows.isEmpty()) {
      return Map.of();
    }
    var watch = new Watch(rows);
    TrainingSettings settings = job.job().train().settings().withSteps(rows.size() * STEPS);
    try {
      Trainer.train(
          TrainingRun.of(job.target().training(), new MadeUp(job, rows, watch), settings),
          engine.offloading(dry.memory().offloads()),
          watch);
    } catch (NonFiniteException made) {
      return Map.of();
    }
    var taken = new HashMap<Integer, Taken>();
    watch.taken().forEach((row, own) -> taken.put(dry.rows().indexOf(row), own));
    return taken;
  }

  /** Those that take most of the time, in the order of their memory. */
  private List<DryRun.Row> chosen(DryRun dry) {
    OptionalLong free = engine.freeDeviceMemory();
    double available = free.isPresent() ? free.getAsLong() : HostMemory.availableBytes();
    double left = SECONDS - dry.memory().least().frozen().all() / WEIGHT_BYTES_PER_SECOND;
    var chosen = new ArrayList<DryRun.Row>();
    for (DryRun.Row row :
        dry.rows().stream()
            .filter(row -> row.share() > 0 && row.peakBytes() < available / 2)
            .sorted(Comparator.comparingDouble(row -> -row.share() * row.seconds()))
            .toList()) {
      if (row.seconds() * STEPS <= left) {
        left -= row.seconds() * STEPS;
        chosen.add(row);
      }
    }
    chosen.sort(Comparator.comparingLong(DryRun.Row::peakBytes));
    return chosen;
  }

  /** Times steps from the first of their batches to the end. */
  private static final class Watch implements TrainingListener {
    private final List<DryRun.Row> rows;
    private final List<Double> seconds = new ArrayList<>();
    private final List<OptionalLong> peaks = new ArrayList<>();
    private long began;

    Watch(List<DryRun.Row> rows) {
      this.rows = rows;
    }

    void begin() {
      began = System.nanoTime();
    }

    @Override
    public void stepped(TrainingProgress progress) {
      seconds.add((System.nanoTime() - began) * 1e-9);
      peaks.add(HostMemory.peakBytes());
    }

    Map<DryRun.Row, Taken> taken() {
      var taken = new LinkedHashMap<DryRun.Row, Taken>();
      for (int i = 0; i < rows.size(); i++) {
        List<Double> own = seconds.subList(i * STEPS, (i + 1) * STEPS);
        List<Double> steady = new ArrayList<>(own.subList(WARM_UPS, STEPS));
        Collections.sort(steady);
        double middle = steady.get(steady.size() / 2);
        double warmUp =
            own.subList(0, WARM_UPS).stream().mapToDouble(s -> Math.max(0, s - middle)).sum();
        taken.put(rows.get(i), new Taken(middle, warmUp, peaks.get((i + 1) * STEPS - 1)));
      }
      return taken;
    }
  }

  /** Batches of noise for the rows, each for all its steps. */
  private record MadeUp(ResolvedJob job, List<DryRun.Row> rows, Watch watch)
      implements TrainingData, BatchSource {
    @Override
    public int stages() {
      return rows.size();
    }

    @Override
    public Map<Integer, Double> shares() {
      return rows.stream()
          .collect(Collectors.toMap(DryRun.Row::stage, DryRun.Row::share, Double::sum));
    }

    @Override
    public Map<String, String> identity() {
      return Map.of();
    }

    @Override
    public BatchSource open(TrainingSettings settings) {
      return this;
    }

    @Override
    public int batchesPerEpoch() {
      return 1;
    }

    @Override
    public TrainingBatch batch(long index) {
      int accumulation = job.job().train().settings().batches().accumulation();
      if (index % accumulation == 0) {
        watch.begin();
      }
      return batch(rows.get(Math.toIntExact(index / accumulation / STEPS)), index);
    }

    private TrainingBatch batch(DryRun.Row row, long seed) {
      LatentShape whole =
          row.size()
              .latentShape(job.model().description().latents(), job.diffusion().stages())
              .withBatch(1);
      StagePlan plan = job.diffusion().plan(whole.grid());
      Stage stage = plan.stages().get(plan.stages().size() - row.stage());
      var noise = NoiseSource.seeded(seed);
      Conditions conditions = Conditions.noise(job.model().description().flow(), whole);
      int clips = job.job().train().settings().batches().size();
      var examples = new ArrayList<TrainingExample>();
      for (int i = 0; i < clips; i++) {
        examples.add(
            plan.example(
                stage,
                (stage.start() + stage.end()) / 2,
                noise.draw(whole),
                noise.draw(whole.withGrid(row.grid()))));
      }
      return TrainingBatch.of(
          examples, Collections.nCopies(clips, conditions), Optional.of(job.denoiser()));
    }
  }
}
