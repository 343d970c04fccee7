package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.data.Shown;
import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.lora.train.Draws.Purpose;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Trainable;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The loss on clips that are not trained on, at fixed noises and times, so that two figures differ
 * only by what was learned between them.
 *
 * @param heldOut clips, and the diffusion that they are noised for
 * @param everySteps how often it is taken
 * @param timesPerStage times at which each clip is tried in each stage, spread as training's are
 */
public record Validation(PhasedClips heldOut, int everySteps, int timesPerStage) {
  /**
   * @throws IllegalArgumentException if a number is not positive or there is no clip
   */
  public Validation {
    checkArgument(everySteps >= 1, "train.validate_every: at least 1, found %s", everySteps);
    checkArgument(timesPerStage >= 1, "validation: at least one time, found %s", timesPerStage);
    checkArgument(!heldOut.clips().shapes().isEmpty(), "validation: expected at least one clip");
  }

  /** Mean loss by stage number. */
  Map<Integer, Double> losses(Trainable model, TrainingSettings settings) {
    var draws = new Draws(settings.seed());
    TrainingSet clips = heldOut.clips();
    var sums = new TreeMap<Integer, Double>(Collections.reverseOrder());
    for (int clip = 0; clip < clips.shapes().size(); clip++) {
      StagePlan plan = heldOut.diffusion().plan(clips.shapes().get(clip).grid());
      for (Stage stage : heldOut.diffusion().visited(plan)) {
        for (int j = 0; j < timesPerStage; j++) {
          TrainingBatch batch =
              batch(clip, plan, stage, new Try(draws, j, settings.dropout().picture()));
          sums.merge(stage.number(), batch.loss(model), Double::sum);
        }
      }
    }
    int count = clips.shapes().size() * timesPerStage;
    sums.replaceAll((stage, sum) -> sum / count);
    return sums;
  }

  private record Try(Draws draws, int number, double pictureDropout) {}

  private TrainingBatch batch(int clip, StagePlan plan, Stage stage, Try t) {
    TrainingSet clips = heldOut.clips();
    double time = heldOut.diffusion().drawTime(stage, () -> (t.number() + 0.5) / timesPerStage);
    long seed = t.draws().bits(Purpose.VALIDATION, clip, stage.number(), t.number());
    var shape = clips.shapes().get(clip).withGrid(stage.grid().size());
    // As often without its picture as in training, and always the same.
    boolean pictured =
        t.draws().uniform(Purpose.PICTURE, clip, stage.number(), t.number()) >= t.pictureDropout();
    return TrainingBatch.of(
        List.of(
            plan.example(
                stage,
                time,
                clips.cleanPair(clip, plan, stage),
                NoiseSource.seeded(seed).draw(shape))),
        List.of(clips.conditions(clip, new Shown(true, pictured))),
        heldOut.denoiser());
  }
}
