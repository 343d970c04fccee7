package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StagePlannerTest {
  private static final NoiseSchedule FLOW =
      new FlowSchedule(FlowSchedule.Spacing.FLOW_MATCH_EULER, 3);
  private static final FrameResampling GROUPED = FrameResampling.groupedFirstFrame();

  @Test
  void whiteNoise_hasPowerOneEverywhere() {
    Latents noise = StagePlanTest.noise(new LatentShape(1, 16, 8, 64, 64), 1);
    for (double power : TemporalSpectrum.of(List.of(noise)).power()) {
      // 65536 series: the standard error of a mean square is √(2/65536) = 0.0055.
      assertThat(power).isCloseTo(1, within(0.03));
    }
  }

  @Test
  void stillClips_haveAllTheirPowerAtFrequencyZero() {
    float[] data = new float[8];
    Arrays.fill(data, 0.5f);
    var spectrum = TemporalSpectrum.of(List.of(Latents.of(new LatentShape(1, 1, 8, 1, 1), data)));
    assertThat(spectrum.power().get(0)).isCloseTo(8 * 0.25, within(1e-6));
    for (int k = 1; k < 8; k++) {
      assertThat(spectrum.power().get(k)).isCloseTo(0, within(1e-12));
    }
  }

  @Test
  void informationLost_isTheGaussianChannelsCapacityInTheDiscardedBand() {
    var spectrum = new TemporalSpectrum(List.of(9.0, 4.0, 1.0, 3.0));
    // σ = 0.5 gives γ²/σ² = 1; stride 2 discards frequencies 2 and 3, stride 4 also 1.
    double half = 0.5 * (Math.log(2) + Math.log(4)) / 4;
    assertThat(spectrum.informationLost(2, FLOW.form(), 0.5)).isCloseTo(half, within(1e-12));
    assertThat(spectrum.informationLost(4, FLOW.form(), 0.5))
        .isCloseTo(half + 0.5 * Math.log(5) / 4, within(1e-12));
    assertThat(spectrum.informationLost(1, FLOW.form(), 0.5)).isZero();
  }

  @Test
  void boundaries_takeExactlyTheBudget() {
    var planner = new StagePlanner(FLOW, smooth(), 0.01);
    for (int stride : new int[] {2, 4}) {
      assertThat(smooth().informationLost(stride, FLOW.form(), planner.lastTime(stride)))
          .isCloseTo(0.01, within(1e-5));
    }
    assertThat(planner.lastTime(4)).isGreaterThan(planner.lastTime(2));
  }

  @Test
  void smoothClips_getAPyramidAndNoisyClipsGetNone() {
    StageConfig chosen =
        new StagePlanner(FLOW, smooth(), 0.01).choose(3, GROUPED, StagePlannerTest::tokens);
    assertThat(chosen.stages()).isEqualTo(3);
    assertThat(chosen.stepSplit().stream().mapToInt(Integer::intValue).sum())
        .isCloseTo(100, within(1));
    assertThat(StagePlan.of(chosen, FLOW, 16).stages()).hasSize(3);
    var noisy = new TemporalSpectrum(Collections.nCopies(16, 1e6));
    assertThat(
            new StagePlanner(FLOW, noisy, 0.01)
                .choose(3, GROUPED, StagePlannerTest::tokens)
                .stages())
        .isEqualTo(1);
  }

  @Test
  void aCostPerStage_canMakeFewerStagesTheBetterChoice() {
    StageConfig chosen =
        new StagePlanner(FLOW, smooth(), 0.01)
            .choose(3, GROUPED, config -> tokens(config) + 0.5 * config.stages());
    assertThat(chosen.stages()).isLessThan(3);
  }

  /** Power that falls with the square of frequency. */
  private static TemporalSpectrum smooth() {
    return new TemporalSpectrum(
        IntStream.range(0, 16).mapToObj(k -> 10.0 / (1 + 4.0 * k * k)).toList());
  }

  /** Mean tokens a step, of a vanilla step's. */
  private static double tokens(StageConfig config) {
    List<Integer> steps = config.splitSteps(100);
    double stride = config.largestStride();
    double sum = 0;
    for (int i = 0; i < steps.size(); i++) {
      sum += steps.get(i) / stride;
      stride /= i < config.rates().size() ? config.rates().get(i) : 1;
    }
    return sum / 100;
  }
}
