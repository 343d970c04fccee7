package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.StagePlanner.Boundaries;
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
    StageConfig chosen = choose(smooth(), Boundaries.SPECTRUM);
    assertThat(chosen.stages()).isEqualTo(3);
    assertThat(chosen.stepSplit().stream().mapToInt(Integer::intValue).sum())
        .isCloseTo(100, within(1));
    assertThat(StagePlan.of(chosen, FLOW, new LatentGrid(16, 1, 1)).stages()).hasSize(3);
    var noisy = new TemporalSpectrum(Collections.nCopies(16, 1e6));
    assertThat(choose(noisy, Boundaries.SPECTRUM).stages()).isEqualTo(1);
    assertThat(choose(noisy, Boundaries.SCHEDULE).stages()).isEqualTo(1);
  }

  @Test
  void aCostPerStage_canMakeFewerStagesTheBetterChoice() {
    var planner = new StagePlanner(FLOW, smooth(), 0.01);
    var candidates =
        planner.candidates(
            3, GROUPED, Boundaries.SPECTRUM, config -> tokens(config) + 0.5 * config.stages());
    assertThat(planner.choose(candidates).stages().stages()).isLessThan(3);
  }

  /** Nothing is lost of them at any time, so only the shortest stage bounds the pyramid. */
  @Test
  void stillClips_areSampledAtTheLowestRateForAsLongAsThereIs() {
    assertThat(choose(still(), Boundaries.SCHEDULE).rates()).isEqualTo(GridFactor.ofTimes(2, 2));
    StageConfig chosen = choose(still(), Boundaries.SPECTRUM);
    // A quarter of the frames for 95 steps of 100 is cheaper than for 90 and half of them for 5.
    assertThat(chosen.rates()).isEqualTo(GridFactor.ofTimes(4));
    assertThat(chosen.stepSplit()).containsExactly(95, 5);
    assertThat(chosen.boundaries()).containsExactly(FLOW.time(0.05));
  }

  /**
   * A clip that alternates from frame to frame has four fifths of its change in the upper half of
   * the spectrum: too much for half the frames where the schedule's third part begins.
   */
  @Test
  void alternatingClips_loseMoreThanTheBudgetWhereTheScheduleHasItsBoundaries() {
    var planner = new StagePlanner(FLOW, alternating(), 0.01);
    var candidates = planner.candidates(3, GROUPED, Boundaries.SCHEDULE, StagePlannerTest::tokens);
    assertThat(candidates).extracting(c -> c.stages().rates().size()).containsExactly(0, 1, 1, 2);
    assertThat(candidates.get(1).starts()).containsExactly(FLOW.time(0.5));
    assertThat(candidates.get(1).lost())
        .containsExactly(alternating().informationLost(2, FLOW.form(), FLOW.time(0.5)));
    assertThat(planner.choose(candidates).stages().stages()).isEqualTo(1);
    assertThat(new StagePlanner(FLOW, alternating(), 10).choose(candidates).stages().stages())
        .isEqualTo(3);
  }

  /** Also where boundaries must be points of a table. */
  @Test
  void boundariesOnATable_loseNoMoreThanTheBudget() {
    var schedule =
        new DdimSchedule(
            VariancePreserving.linear(0.00085, 0.012, 100), DdimSchedule.Spacing.LEADING, 0, 0);
    var planner = new StagePlanner(schedule, smooth(), 0.01);
    var candidates = planner.candidates(3, GROUPED, Boundaries.SPECTRUM, StagePlannerTest::tokens);
    assertThat(candidates).hasSizeGreaterThan(1);
    assertThat(candidates).allMatch(candidate -> candidate.mostLost() <= 0.01 * (1 + 1e-6));
  }

  @Test
  void powerThatIsLost_isTheShareOfTheDiscardedFrequencies() {
    var spectrum = new TemporalSpectrum(List.of(9.0, 4.0, 1.0, 3.0));
    assertThat(spectrum.powerLost(2)).isCloseTo(4.0 / 17, within(1e-12));
    assertThat(spectrum.powerLost(4)).isCloseTo(8.0 / 17, within(1e-12));
    assertThat(still().powerLost(2)).isCloseTo(0, within(1e-12));
    assertThat(alternating().powerLost(2)).isGreaterThan(0.8);
  }

  private static StageConfig choose(TemporalSpectrum spectrum, Boundaries boundaries) {
    var planner = new StagePlanner(FLOW, spectrum, 0.01);
    return planner
        .choose(planner.candidates(3, GROUPED, boundaries, StagePlannerTest::tokens))
        .stages();
  }

  private static TemporalSpectrum still() {
    float[] data = new float[16];
    Arrays.fill(data, 0.5f);
    return of(data);
  }

  private static TemporalSpectrum alternating() {
    float[] data = new float[16];
    for (int i = 0; i < data.length; i++) {
      data[i] = i % 2 == 0 ? 1 : -1;
    }
    return of(data);
  }

  private static TemporalSpectrum of(float[] frames) {
    return TemporalSpectrum.of(
        List.of(Latents.of(new LatentShape(1, 1, frames.length, 1, 1), frames)));
  }

  /** Power that falls with the square of frequency. */
  private static TemporalSpectrum smooth() {
    return new TemporalSpectrum(
        IntStream.range(0, 16).mapToObj(k -> 10.0 / (1 + 4.0 * k * k)).toList());
  }

  /** Mean tokens a step, of a vanilla step's. */
  private static double tokens(StageConfig config) {
    List<Integer> steps = config.splitSteps(100);
    double stride = config.largestStrides().time();
    double sum = 0;
    for (int i = 0; i < steps.size(); i++) {
      sum += steps.get(i) / stride;
      stride /= i < config.rates().size() ? config.rates().get(i).time() : 1;
    }
    return sum / 100;
  }
}
