package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.MagCache.Limits;
import io.github.tpdiff.runtime.diffusion.MagCache.Skipped;
import io.github.tpdiff.runtime.diffusion.MagCalibration.Branch;
import io.github.tpdiff.runtime.diffusion.PredictionReuse.OfStage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MagCacheTest {
  private static final LatentShape SHAPE = new LatentShape(1, 1, 1, 1, 2);

  private static Latents latents(double... values) {
    return Latents.of(SHAPE, new float[] {(float) values[0], (float) values[1]});
  }

  private static Stage stage(int number) {
    return new Stage(number, StageGrid.full(SHAPE.grid()), 1, 0);
  }

  private static List<SamplerStep> steps(int count) {
    return Collections.nCopies(count, new SamplerStep(0.5, 0.4, 500));
  }

  private static MagCalibration.OfStage changes(int stage, Double... changes) {
    List<Double> ones = Collections.nCopies(changes.length, 1.0);
    return new MagCalibration.OfStage(
        stage,
        Collections.nCopies(changes.length + 1, 500.0),
        new Branch(ones, List.of(changes)),
        Optional.empty());
  }

  /** The steps of a stage, from 1, in which the network is asked. */
  private static List<Integer> asked(MagCache cache, int stage, int count, int branch) {
    var asked = new ArrayList<Integer>();
    OfStage reuse = cache.in(stage(stage), steps(count));
    for (int i = 0; i < count; i++) {
      int step = i;
      Latents prediction =
          reuse.prediction(
              i,
              branch,
              () -> {
                asked.add(step + 1);
                return latents(step, 0);
              });
      assertThat(prediction.data()[0]).isEqualTo(asked.get(asked.size() - 1) - 1);
    }
    return asked;
  }

  /** (3, 4), (6, 8), (6, 0): norms 5, 10, 6; the changes (3, 4) of 5 and (0, −8) of 10. */
  @Test
  void recorder_measuresNormsAndChanges_ofEachBranchAlone() {
    var recorder = new MagRecorder();
    List<Latents> predictions = List.of(latents(3, 4), latents(6, 8), latents(6, 0));
    OfStage reuse = recorder.in(stage(1), steps(3));
    for (int i = 0; i < 3; i++) {
      int step = i;
      assertThat(reuse.prediction(i, 0, () -> predictions.get(step)))
          .isSameAs(predictions.get(step));
      reuse.prediction(i, 1, () -> latents(0, 2));
    }
    MagCalibration found = recorder.calibration("wan", new UniPcSampler());
    MagCalibration.OfStage only = found.stages().get(0);
    assertThat(only.conditional().ratios()).containsExactly(2.0, 0.6);
    assertThat(only.conditional().changes()).containsExactly(1.0, 0.8);
    assertThat(only.unconditional().orElseThrow().changes()).containsExactly(0.0, 0.0);
    assertThat(only.timesteps()).containsExactly(500.0, 500.0, 500.0);
  }

  @Test
  void branchThatWasNotAskedInEveryStep_isNotCalibrated() {
    var recorder = new MagRecorder();
    OfStage reuse = recorder.in(stage(1), steps(2));
    reuse.prediction(0, 0, () -> latents(1, 0));
    reuse.prediction(1, 0, () -> latents(1, 0));
    reuse.prediction(1, 1, () -> latents(1, 0));
    MagCalibration found = recorder.calibration("wan", new EulerSampler());
    assertThat(found.stages().get(0).unconditional()).isEmpty();
    var cache = new MagCache(found, new Limits(1, 9, 0));
    assertThat(asked(cache, 1, 2, OfStage.CONDITIONAL)).containsExactly(1);
    assertThat(asked(cache, 1, 2, OfStage.UNCONDITIONAL)).containsExactly(1, 2);
  }

  /**
   * By hand, threshold 0.25: step 2 errs by 0.1; step 3 by 0.1 + 0.1, together 0.3, so it is asked;
   * step 4 errs by 0.05, step 5 by 0.1, together 0.15; step 6 by 0.15, together 0.3: asked.
   */
  @Test
  void errorsOfReusesInARow_addUpBelowTheThreshold() {
    var calibration =
        new MagCalibration("wan", "euler", List.of(changes(1, 0.1, 0.1, 0.05, 0.05, 0.05)));
    var cache = new MagCache(calibration, new Limits(0.25, 9, 0));
    assertThat(asked(cache, 1, 6, 0)).containsExactly(1, 3, 6);
    assertThat(cache.skipped())
        .containsExactly(new Skipped(1, 2, 0), new Skipped(1, 4, 0), new Skipped(1, 5, 0));
  }

  @Test
  void noMoreThanSoManyInARow_areLeftOut_andNoneInTheFirstShare() {
    Double[] none = Collections.nCopies(9, 0.0).toArray(Double[]::new);
    var calibration =
        new MagCalibration("wan", "euler", List.of(changes(2, none), changes(1, none)));
    // The first 12 of 20 steps.
    var cache = new MagCache(calibration, new Limits(0.1, 3, 0.6));
    assertThat(asked(cache, 2, 10, 0)).hasSize(10);
    assertThat(asked(cache, 1, 10, 0)).containsExactly(1, 2, 6, 10);
    // A stage begins anew.
    var second = new MagCache(calibration, new Limits(0.1, 3, 0));
    assertThat(asked(second, 2, 10, 0)).containsExactly(1, 5, 9);
    assertThat(asked(second, 1, 10, 0)).containsExactly(1, 5, 9);
  }

  /** The bound holds: predictions on a circle change by 2 sin(a/2) from step to step. */
  @Test
  void calibratedError_isAboveThatOfEveryReuse() {
    List<Latents> circle = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      circle.add(latents(Math.cos(0.03 * i), Math.sin(0.03 * i)));
    }
    var recorder = new MagRecorder();
    OfStage recorded = recorder.in(stage(1), steps(12));
    for (int i = 0; i < 12; i++) {
      int step = i;
      recorded.prediction(i, 0, () -> circle.get(step));
    }
    MagCalibration calibration = recorder.calibration("wan", new EulerSampler());
    assertThat(calibration.stages().get(0).conditional().changes().get(4))
        .isCloseTo(2 * Math.sin(0.015), within(1e-6));
    OfStage reuse = new MagCache(calibration, new Limits(0.1, 9, 0)).in(stage(1), steps(12));
    for (int i = 0; i < 12; i++) {
      int step = i;
      Latents apart = reuse.prediction(i, 0, () -> circle.get(step)).plus(-1, circle.get(i));
      assertThat(Math.sqrt(apart.dot(apart))).isLessThan(0.1);
    }
  }

  @Test
  void whatWasCalibratedOtherwise_isRefusedInOneLine() {
    StagePlan plan =
        StagePlan.of(
            StageConfig.vanilla(),
            new FlowSchedule(FlowSchedule.Spacing.FLOW_MATCH_EULER, 1),
            StagePlanTest.grid(5));
    StagedSampler sampler = StagedSampler.of(plan, new EulerSampler(), 2);
    var at =
        new MagCalibration.OfStage(
            1,
            sampler.steps().get(0).stream().map(SamplerStep::timestep).toList(),
            new Branch(List.of(1.0), List.of(0.1)),
            Optional.empty());
    var fits = new MagCalibration("wan", "euler", List.of(at));
    fits.requireFits("wan", sampler);
    assertThatThrownBy(() -> fits.requireFits("miniflux", sampler))
        .hasMessage("magcache: calibrated for the model wan, found miniflux");
    assertThatThrownBy(() -> fits.requireFits("wan", StagedSampler.of(plan, new UniPcSampler(), 2)))
        .hasMessageStartingWith("magcache: calibrated with the sampler euler, found unipc");
    assertThatThrownBy(() -> fits.requireFits("wan", StagedSampler.of(plan, new EulerSampler(), 3)))
        .hasMessageStartingWith(
            "magcache: stage 1 was calibrated with 2 steps at timesteps 1000 to")
        .hasMessageEndingWith("calibrate with these");
    var two = new MagCalibration("wan", "euler", List.of(changes(2, 0.1), changes(1, 0.1)));
    assertThatThrownBy(() -> two.requireFits("wan", sampler))
        .hasMessage("magcache: calibrated in 2 stages, found 1; calibrate in these");
    assertThatThrownBy(() -> new MagCalibration("wan", "heun", List.of(at)))
        .hasMessageStartingWith("magcache: expected a sampler that asks the network once a step");
    assertThatThrownBy(() -> new MagCalibration("wan", "euler", List.of(changes(2, 0.1))))
        .hasMessage("stages.stage: expected 1, found 2");
    assertThatThrownBy(() -> new Branch(List.of(1.0), List.of(Double.NaN)))
        .hasMessageStartingWith("changes: expected finite values of at least 0");
    assertThatThrownBy(() -> changes(1, 0.1, -0.1)).isInstanceOf(IllegalArgumentException.class);
  }
}
