package io.github.tpdiff.lora.train;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Descent;
import io.github.tpdiff.lora.train.TrainingSettings.Dropout;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Activations;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a network is really trained on, value by value, against the paper's equations 9 to 13. */
final class ExamplesTest {
  private static final PhasedDiffusion PHASED =
      PhasedDiffusion.of(
          StageConfig.pyramid(2, FrameResampling.sharedFirstFrame()),
          Scheduler.fromConfig(
                  Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0))
              .schedule());

  /** Frame of the clip that frame f of a stage shows at the stage's end: every r-th. */
  private static int shownAtEnd(Stage stage, int f) {
    return f * stage.strides().time();
  }

  /** The same at its start: stage 2 begins as it ends, stage 1 with the pairs of stage 2. */
  private static int shownAtStart(Stage stage, int f) {
    return stage.number() == 2 ? 2 * f : f == 0 ? 0 : 2 * ((f - 1) / 2 + 1);
  }

  /**
   * Machines that make a batch each of a step wait for nobody; alone, batches draw for themselves.
   */
  @Test
  void batchesAtOnce_areOfOneStage_theFirsts() {
    var clips = MemorySet.of(5, 5);
    var apart = new HashSet<Integer>();
    for (int atOnce : List.of(1, 2, 3)) {
      var visits = new Visits(PHASED, clips, atOnce(atOnce, 6));
      var alone = new Visits(PHASED, clips, atOnce(1, 6));
      for (long b = 0; b < 60; b++) {
        assertThat(visits.stage(b)).isEqualTo(alone.stage(b - b % atOnce));
        assertThat(visits.batch(b)).isEqualTo(alone.batch(b));
        if (!alone.stage(b).equals(alone.stage(b - b % atOnce))) {
          apart.add(atOnce);
        }
      }
    }
    assertThat(apart).containsExactlyInAnyOrder(2, 3);
    assertThatThrownBy(() -> atOnce(4, 6))
        .hasMessage(
            "train.gradient_accumulation: expected a multiple of train.batches_at_once, 4, found 6");
  }

  private static TrainingSettings atOnce(int count, int accumulation) {
    return new TrainingSettings(
        6,
        1,
        new Batches(2, accumulation, count),
        Descent.constant(1),
        Dropout.none(),
        Activations.RECOMPUTED);
  }

  @Test
  void batch_isThePapersInputAndTarget() {
    var clips = MemorySet.of(5, 5);
    var settings =
        new TrainingSettings(
            6, 1, new Batches(2, 1), Descent.constant(1), Dropout.none(), Activations.RECOMPUTED);
    var visits = new Visits(PHASED, clips, settings);
    var seen = new HashSet<Integer>();
    try (var examples = new Examples(new PhasedClips(clips, PHASED), settings)) {
      for (long b = 0; b < 20; b++) {
        Stage stage = visits.stage(b);
        seen.add(stage.number());
        TrainingBatch batch = examples.batch(b);
        float[] input = requireNonNull(batch.inputs().get("hidden_states")).toFloatArray();
        float[] target = batch.target().toFloatArray();
        List<Visits.Visit> members = visits.batch(b);
        for (int i = 0; i < members.size(); i++) {
          Latents clip = clips.latents(members.get(i).clip());
          Latents noise =
              NoiseSource.seeded(visits.seed(members.get(i)))
                  .draw(clip.shape().withFrames(stage.frames()));
          double t = visits.time(members.get(i), stage);
          for (int j = 0; j < noise.data().length; j++) {
            int pixel = j % 4;
            int f = j / 4 % stage.frames();
            int channel = j / 4 / stage.frames();
            double eps = noise.data()[j];
            double start =
                (1 - stage.start()) * at(clip, channel, shownAtStart(stage, f), pixel)
                    + stage.start() * eps;
            double end =
                (1 - stage.end()) * at(clip, channel, shownAtEnd(stage, f), pixel)
                    + stage.end() * eps;
            double length = stage.start() - stage.end();
            double part = (t - stage.end()) / length;
            int place = i * noise.data().length + j;
            assertThat(input[place])
                .isCloseTo((float) ((1 - part) * end + part * start), within(2e-6f));
            assertThat(target[place]).isCloseTo((float) ((start - end) / length), within(2e-5f));
          }
        }
      }
    }
    assertThat(seen).containsExactlyInAnyOrder(1, 2);
  }

  /**
   * Where stages aim at smaller videos: the end of each is its own video, and the second starts
   * with that of the first, every place of it four pixels of two frames.
   */
  @Test
  void batchOfPixelTargets_runsFromTheSmallerVideoToTheStagesOwn() {
    var diffusion =
        PhasedDiffusion.of(
            StageConfig.of(List.of(GridFactor.cube(2)), FrameResampling.sharedFirstFrame())
                .withTargets(StageConfig.Targets.PIXEL),
            PHASED.schedule());
    var clips = MemorySet.of(5, 5);
    var settings =
        new TrainingSettings(
            6, 1, new Batches(2, 1), Descent.constant(1), Dropout.none(), Activations.RECOMPUTED);
    var visits = new Visits(diffusion, clips, settings);
    var seen = new HashSet<Integer>();
    try (var examples = new Examples(new PhasedClips(clips, diffusion), settings)) {
      for (long b = 0; b < 20; b++) {
        Stage stage = visits.stage(b);
        seen.add(stage.number());
        TrainingBatch batch = examples.batch(b);
        float[] input = requireNonNull(batch.inputs().get("hidden_states")).toFloatArray();
        float[] target = batch.target().toFloatArray();
        List<Visits.Visit> members = visits.batch(b);
        for (int i = 0; i < members.size(); i++) {
          int clip = members.get(i).clip();
          Latents smaller = clips.latents(clip, GridFactor.cube(2));
          Latents own = stage.number() == 2 ? smaller : clips.latents(clip);
          Latents noise = NoiseSource.seeded(visits.seed(members.get(i))).draw(own.shape());
          double t = visits.time(members.get(i), stage);
          int pixels = own.shape().pixels();
          assertThat(pixels).isEqualTo(stage.number() == 2 ? 1 : 4);
          for (int j = 0; j < noise.data().length; j++) {
            int f = j / pixels % stage.frames();
            int channel = j / pixels / stage.frames();
            int before = stage.number() == 2 ? f : (f + 1) / 2;
            double eps = noise.data()[j];
            double start =
                (1 - stage.start()) * smaller.data()[channel * 3 + before] + stage.start() * eps;
            double end = (1 - stage.end()) * own.data()[j] + stage.end() * eps;
            double length = stage.start() - stage.end();
            double part = (t - stage.end()) / length;
            int place = i * noise.data().length + j;
            assertThat(input[place])
                .isCloseTo((float) ((1 - part) * end + part * start), within(2e-6f));
            assertThat(target[place]).isCloseTo((float) ((start - end) / length), within(2e-5f));
          }
        }
      }
    }
    assertThat(seen).containsExactlyInAnyOrder(1, 2);
  }

  private static double at(Latents clip, int channel, int frame, int pixel) {
    return clip.data()[(channel * clip.frames() + frame) * 4 + pixel];
  }
}
