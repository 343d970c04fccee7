package io.github.tpdiff.lora.train;

import com.google.common.hash.HashCode;
import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import io.github.tpdiff.lora.data.Shown;
import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.lora.train.Draws.Purpose;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Conditions;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which clip each place of each batch visits, in which stage, and what it is shown with: all that
 * is decided before a noise is drawn. A function of the run's seed and the data; for one thread.
 */
final class Visits {
  /**
   * A place in a batch.
   *
   * @param batch its number, over all epochs
   * @param place in the batch
   * @param clip of the training set
   */
  record Visit(long batch, int place, int clip) {}

  private record Showing(int clip, Shown shown) {}

  private final PhasedDiffusion diffusion;
  private final TrainingSet clips;
  private final TrainingSettings.Dropout dropout;
  private final Draws draws;
  private final BatchOrder order;
  private final int atOnce;
  private final Map<LatentGrid, StagePlan> plans = new HashMap<>();
  private final Map<Showing, HashCode> told = new HashMap<>();

  Visits(PhasedDiffusion diffusion, TrainingSet clips, TrainingSettings settings) {
    this.diffusion = diffusion;
    this.clips = clips;
    this.dropout = settings.dropout();
    this.draws = new Draws(settings.seed());
    this.atOnce = settings.batches().atOnce();
    this.order = new BatchOrder(clips.visits(), settings.batches().size(), draws);
    // Every size is checked before the first step.
    clips.shapes().forEach(shape -> plans.computeIfAbsent(shape.grid(), diffusion::plan));
  }

  int batchesPerEpoch() {
    return order.batchesPerEpoch();
  }

  /** The visits of a batch, all of one shape. */
  List<Visit> batch(long index) {
    List<Integer> members = order.batch(index);
    var visits = new ArrayList<Visit>();
    for (int place = 0; place < members.size(); place++) {
      visits.add(new Visit(index, place, members.get(place)));
    }
    return visits;
  }

  /** The stages of a clip. */
  StagePlan plan(int clip) {
    return plans.computeIfAbsent(clips.shapes().get(clip).grid(), diffusion::plan);
  }

  /** The stage that a batch is in, as those at once with it; their clips may differ in shape. */
  Stage stage(long index) {
    StagePlan plan = plan(order.batch(index).get(0));
    long first = index - index % atOnce;
    return diffusion.drawStage(plan, () -> draws.uniform(Purpose.STAGE, first));
  }

  /** The time in the stage. */
  double time(Visit visit, Stage stage) {
    return diffusion.drawTime(
        stage, () -> draws.uniform(Purpose.TIME, visit.batch(), visit.place()));
  }

  /** What of the clip's caption and picture is shown. */
  Shown shown(Visit visit) {
    return new Shown(
        draws.uniform(Purpose.CAPTION, visit.batch(), visit.place()) >= dropout.caption(),
        draws.uniform(Purpose.PICTURE, visit.batch(), visit.place()) >= dropout.picture());
  }

  /** What the network is told at a visit beside latents and time. */
  Conditions conditions(Visit visit) {
    return clips.conditions(visit.clip(), shown(visit));
  }

  /** A hash of what the network is told at a visit beside latents and time. */
  HashCode told(Visit visit) {
    return told.computeIfAbsent(
        new Showing(visit.clip(), shown(visit)), known -> hash(conditions(visit).values()));
  }

  private static HashCode hash(Map<String, Tensor> conditioning) {
    Hasher hasher = Hashing.sha256().newHasher();
    new TreeMap<>(conditioning)
        .forEach(
            (name, tensor) ->
                hasher
                    .putString(name + Arrays.toString(tensor.shape()), StandardCharsets.UTF_8)
                    .putBytes(tensor.bytes()));
    return hasher.hash();
  }

  /** The seed of the noise that is drawn for a visit, before any alignment. */
  long seed(Visit visit) {
    return draws.bits(Purpose.NOISE, visit.batch(), visit.place());
  }
}
