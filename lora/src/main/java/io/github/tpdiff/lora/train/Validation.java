package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Trainable;
import java.util.Collections;
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
    var tries =
        new FixedTries(
            heldOut, timesPerStage, new Draws(settings.seed()), settings.dropout().picture());
    TrainingSet clips = heldOut.clips();
    var sums = new TreeMap<Integer, Double>(Collections.reverseOrder());
    for (int clip = 0; clip < clips.shapes().size(); clip++) {
      StagePlan plan = heldOut.diffusion().plan(clips.shapes().get(clip).grid());
      for (Stage stage : heldOut.diffusion().visited(plan)) {
        for (FixedTries.Try one : tries.of(clip, stage)) {
          double loss = tries.batch(one, plan, stage).loss(model::loss);
          sums.merge(stage.number(), loss, Double::sum);
        }
      }
    }
    int count = clips.shapes().size() * timesPerStage;
    sums.replaceAll((stage, sum) -> sum / count);
    return sums;
  }
}
