package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.data.Shown;
import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.lora.train.Draws.Purpose;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import java.util.ArrayList;
import java.util.List;

/**
 * Clips at fixed noises and times, so that two losses differ only by what was changed between them:
 * the network by training, or what it is told.
 *
 * @param data clips, and the diffusion that they are noised for
 * @param timesPerStage times at which each clip is tried in each stage, spread as training's are
 * @param draws of noises
 * @param pictureDropout share of the tries that are shown without their picture
 */
record FixedTries(PhasedClips data, int timesPerStage, Draws draws, double pictureDropout) {
  /**
   * One time and noise of a clip.
   *
   * @param clip its number
   * @param time in the stage
   * @param seed of the noise, on whatever grid it is drawn
   * @param shown of the clip's caption and picture
   */
  record Try(int clip, double time, long seed, Shown shown) {}

  /** The tries of a clip in a stage. */
  List<Try> of(int clip, Stage stage) {
    var tries = new ArrayList<Try>();
    for (int j = 0; j < timesPerStage; j++) {
      double part = (j + 0.5) / timesPerStage;
      // As often without its picture as in training, and always the same.
      boolean pictured = draws.uniform(Purpose.PICTURE, clip, stage.number(), j) >= pictureDropout;
      tries.add(
          new Try(
              clip,
              data.diffusion().drawTime(stage, () -> part),
              draws.bits(Purpose.VALIDATION, clip, stage.number(), j),
              new Shown(true, pictured)));
    }
    return tries;
  }

  /** What the network is given in a try, and should answer, in a stage of a plan for the clip. */
  TrainingBatch batch(Try one, StagePlan plan, Stage stage) {
    TrainingSet clips = data.clips();
    var shape = clips.shapes().get(one.clip()).withGrid(stage.grid().size());
    return TrainingBatch.of(
        List.of(
            plan.example(
                stage,
                one.time(),
                clips.cleanPair(one.clip(), plan, stage),
                NoiseSource.seeded(one.seed()).draw(shape))),
        List.of(clips.conditions(one.clip(), one.shown())),
        data.denoiser());
  }
}
