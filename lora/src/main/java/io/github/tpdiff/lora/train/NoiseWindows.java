package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.lora.train.Draws.Purpose;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The seed of every clip's noise. Batches are cut into windows of as many clips as alignment asks
 * for; when a stage is first visited in a window, all its clips of one shape are aligned at that
 * stage's frame count. Only seeds are kept, and those of one window.
 *
 * <p>Memory while a window is aligned: its distinct clips at the stage's frame count.
 */
final class NoiseWindows {
  /** A visit: the place of a clip in a batch. */
  private record Slot(long batch, int place) {}

  private record Group(LatentShape shape, int stage) {}

  private final Alignment alignment;
  private final int batchesPerWindow;
  private final BatchOrder order;
  private final TrainingSet clips;
  private final Draws draws;
  private final Map<Group, Map<Slot, Long>> aligned = new HashMap<>();
  private long window = -1;

  NoiseWindows(PhasedDiffusion diffusion, int batchSize, TrainingSet clips, Draws draws) {
    this.alignment = diffusion.alignment();
    this.batchesPerWindow = Math.max(1, alignment.clips(batchSize) / batchSize);
    this.order = new BatchOrder(clips.shapes(), batchSize, draws);
    this.clips = clips;
    this.draws = draws;
  }

  /** The seeds of the noises of one batch, visited at {@code stage}. */
  List<Long> seeds(long batch, StagePlan plan, Stage stage) {
    if (alignment.reach() == Alignment.Reach.NONE) {
      return drawnSeeds(batch);
    }
    if (batch / batchesPerWindow != window) {
      window = batch / batchesPerWindow;
      aligned.clear();
    }
    List<Integer> members = order.batch(batch);
    var group = new Group(clips.shapes().get(members.get(0)), stage.number());
    Map<Slot, Long> seeds = aligned.get(group);
    if (seeds == null) {
      seeds = align(group.shape(), plan, stage);
      aligned.put(group, seeds);
    }
    var chosen = new ArrayList<Long>();
    for (int place = 0; place < members.size(); place++) {
      chosen.add(java.util.Objects.requireNonNull(seeds.get(new Slot(batch, place))));
    }
    return chosen;
  }

  private List<Long> drawnSeeds(long batch) {
    var seeds = new ArrayList<Long>();
    for (int place = 0; place < order.batch(batch).size(); place++) {
      seeds.add(draws.bits(Purpose.NOISE, batch, place));
    }
    return seeds;
  }

  private Map<Slot, Long> align(LatentShape shape, StagePlan plan, Stage stage) {
    var slots = new ArrayList<Slot>();
    var seeds = new ArrayList<Long>();
    var clean = new ArrayList<Latents>();
    var read = new HashMap<Integer, Latents>();
    for (long b = window * batchesPerWindow; b < (window + 1) * batchesPerWindow; b++) {
      List<Integer> members = order.batch(b);
      if (!clips.shapes().get(members.get(0)).equals(shape)) {
        continue;
      }
      for (int place = 0; place < members.size(); place++) {
        slots.add(new Slot(b, place));
        seeds.add(draws.bits(Purpose.NOISE, b, place));
        clean.add(
            read.computeIfAbsent(
                members.get(place), clip -> plan.clean(stage, clips.latents(clip))));
      }
    }
    LatentShape noiseShape = shape.withFrames(stage.frames());
    List<Long> permuted =
        alignment.align(clean, seeds, seed -> NoiseSource.seeded(seed).draw(noiseShape));
    var bySlot = new HashMap<Slot, Long>();
    for (int i = 0; i < slots.size(); i++) {
      bySlot.put(slots.get(i), permuted.get(i));
    }
    return bySlot;
  }
}
