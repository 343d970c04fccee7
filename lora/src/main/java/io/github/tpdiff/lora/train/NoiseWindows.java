package io.github.tpdiff.lora.train;

import com.google.common.base.Throwables;
import com.google.common.hash.HashCode;
import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.LowFrequencies;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * The seed of every clip's noise. Visits are cut into windows of as many clips as alignment asks
 * for; for each stage that a window visits, its clips of one shape that the network is told the
 * same about are aligned on that stage's grid, by their {@link LowFrequencies}.
 *
 * <p>A window is aligned on a thread of its own while the one before is trained on. It is a
 * function of the run's seed and the data, so a resumed run gets the same.
 *
 * <p>Memory: one clip and one noise at a time, beside a few hundred numbers of each, and the seeds
 * of two windows.
 */
final class NoiseWindows implements AutoCloseable {
  private record Group(LatentShape shape, HashCode told) {}

  private final Visits visits;
  private final TrainingSet clips;
  private final Alignment alignment;
  private final int batchesPerWindow;
  private final ExecutorService worker =
      Executors.newSingleThreadExecutor(
          task -> {
            var thread = new Thread(task, "tpdiff-alignment");
            thread.setDaemon(true);
            return thread;
          });
  private long number = Long.MIN_VALUE;
  private CompletableFuture<Map<Visits.Visit, Long>> current =
      CompletableFuture.completedFuture(Map.of());
  private CompletableFuture<Map<Visits.Visit, Long>> next = current;
  private volatile boolean closed;

  /**
   * @param visits its own, since it is asked on another thread
   */
  NoiseWindows(Visits visits, TrainingSet clips, Alignment alignment, int batchSize) {
    this.visits = visits;
    this.clips = clips;
    this.alignment = alignment;
    this.batchesPerWindow = Math.max(1, alignment.clips(batchSize) / batchSize);
  }

  /** The seeds of the noises of one batch. */
  List<Long> seeds(List<Visits.Visit> batch) {
    if (alignment.reach() == Alignment.Reach.NONE) {
      return batch.stream().map(visits::seed).toList();
    }
    long window = batch.get(0).batch() / batchesPerWindow;
    if (window != number) {
      current = window == number + 1 ? next : submit(window);
      next = submit(window + 1);
      number = window;
    }
    Map<Visits.Visit, Long> seeds = get(current);
    return batch.stream().map(visit -> seeds.getOrDefault(visit, visits.seed(visit))).toList();
  }

  private CompletableFuture<Map<Visits.Visit, Long>> submit(long window) {
    return CompletableFuture.supplyAsync(() -> align(window), worker);
  }

  private static <T> T get(CompletableFuture<T> prepared) {
    try {
      return prepared.join();
    } catch (CompletionException failure) {
      Throwable cause = failure.getCause();
      if (cause != null) {
        Throwables.throwIfUnchecked(cause);
      }
      throw failure;
    }
  }

  /** The seeds that alignment changes, of a whole window. */
  private Map<Visits.Visit, Long> align(long window) {
    var aligned = new HashMap<Visits.Visit, Long>();
    var groups = new LinkedHashMap<Group, List<Visits.Visit>>();
    var visited = new HashSet<Map.Entry<LatentShape, Stage>>();
    for (long b = window * batchesPerWindow; b < (window + 1) * batchesPerWindow; b++) {
      List<Visits.Visit> batch = visits.batch(b);
      LatentShape shape = clips.shapes().get(batch.get(0).clip());
      visited.add(Map.entry(shape, visits.stage(b)));
      batch.forEach(
          visit ->
              groups
                  .computeIfAbsent(new Group(shape, visits.told(visit)), g -> new ArrayList<>())
                  .add(visit));
    }
    groups.forEach(
        (group, members) ->
            visited.stream()
                .filter(place -> place.getKey().equals(group.shape()))
                .forEach(place -> align(members, place.getValue(), aligned)));
    return aligned;
  }

  private void align(List<Visits.Visit> members, Stage stage, Map<Visits.Visit, Long> aligned) {
    if (members.stream().map(Visits.Visit::clip).distinct().limit(2).count() < 2) {
      // Visits of one clip: whichever gets which noise is all the same.
      return;
    }
    StagePlan plan = visits.plan(members.get(0).clip());
    LatentShape shape = clips.shapes().get(members.get(0).clip()).withGrid(stage.grid().size());
    // All are told the same, so the same frames of them are given; noise there is never seen.
    int given = visits.conditions(members.get(0)).givenFrames(1)[0];
    var read = new HashMap<Integer, Latents>();
    var clean = new ArrayList<Latents>();
    for (Visits.Visit visit : members) {
      if (closed) {
        return;
      }
      clean.add(
          read.computeIfAbsent(
              visit.clip(),
              clip -> LowFrequencies.of(clips.clean(clip, plan, stage).withZeroFrames(given))));
    }
    List<Long> permuted =
        alignment.align(
            clean,
            members.stream().map(visits::seed).toList(),
            seed -> LowFrequencies.of(NoiseSource.seeded(seed).draw(shape).withZeroFrames(given)));
    for (int i = 0; i < members.size(); i++) {
      if (visits.stage(members.get(i).batch()).equals(stage)) {
        aligned.put(members.get(i), permuted.get(i));
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    worker.shutdownNow();
    try {
      worker.awaitTermination(1, TimeUnit.MINUTES);
    } catch (InterruptedException asked) {
      Thread.currentThread().interrupt();
    }
  }
}
