package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.StagePlanner.Boundaries;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Candidate;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Search;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StagePlannerTest {
  private static final NoiseSchedule FLOW =
      new FlowSchedule(FlowSchedule.Spacing.FLOW_MATCH_EULER, 3);
  private static final StageConfig GROUPED =
      StageConfig.pyramid(1, FrameResampling.groupedFirstFrame());
  private static final StageConfig SHARED =
      StageConfig.pyramid(1, FrameResampling.sharedFirstFrame());

  @Test
  void boundaries_takeExactlyTheBudget() {
    var planner = new StagePlanner(FLOW, smooth(), 0.01);
    for (int stride : new int[] {2, 4}) {
      GridFactor strides = GridFactor.ofTime(stride);
      assertThat(smooth().informationLost(strides, FLOW.form(), planner.lastTime(strides)))
          .isCloseTo(0.01, within(1e-5));
    }
    assertThat(planner.lastTime(GridFactor.ofTime(4)))
        .isGreaterThan(planner.lastTime(GridFactor.ofTime(2)));
  }

  @Test
  void smoothClips_getAPyramidAndNoisyClipsGetNone() {
    StageConfig chosen = choose(smooth(), Boundaries.SPECTRUM);
    assertThat(chosen.stages()).isEqualTo(3);
    assertThat(chosen.stepSplit().stream().mapToInt(Integer::intValue).sum())
        .isCloseTo(100, within(1));
    assertThat(StagePlan.of(chosen, FLOW, new LatentGrid(16, 1, 1)).stages()).hasSize(3);
    var noisy = LatentSpectrumTest.overTime(Collections.nCopies(16, 1e6));
    assertThat(choose(noisy, Boundaries.SPECTRUM).stages()).isEqualTo(1);
    assertThat(choose(noisy, Boundaries.SCHEDULE).stages()).isEqualTo(1);
  }

  @Test
  void aCostPerStage_canMakeFewerStagesTheBetterChoice() {
    var planner = new StagePlanner(FLOW, smooth(), 0.01);
    var candidates =
        planner.candidates(
            search(Boundaries.SPECTRUM), config -> tokens(config) + 0.5 * config.stages());
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
    var candidates = planner.candidates(search(Boundaries.SCHEDULE), StagePlannerTest::tokens);
    assertThat(candidates).extracting(c -> c.stages().rates().size()).containsExactly(0, 1, 1, 2);
    assertThat(candidates.get(1).starts()).containsExactly(FLOW.time(0.5));
    assertThat(candidates.get(1).lost())
        .containsExactly(
            alternating().informationLost(GridFactor.ofTime(2), FLOW.form(), FLOW.time(0.5)));
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
    var candidates = planner.candidates(search(Boundaries.SPECTRUM), StagePlannerTest::tokens);
    assertThat(candidates).hasSizeGreaterThan(1);
    assertThat(candidates).allMatch(candidate -> candidate.mostLost() <= 0.01 * (1 + 1e-6));
  }

  /**
   * Every sequence and no other, against all lists of strides tried one by one: powers of two, each
   * a multiple of the next, all dividing a grid of which rows and columns come in twos.
   */
  @Test
  void sequences_areAllThatTheGridDividesInto() {
    for (LatentGrid grid :
        List.of(
            new LatentGrid(9, 16, 8),
            new LatentGrid(9, 12, 8),
            new LatentGrid(8, 8, 8),
            new LatentGrid(7, 4, 6))) {
      for (Boundaries boundaries : Boundaries.values()) {
        var planner = new StagePlanner(FLOW, flat(grid), 10);
        List<Candidate> found =
            planner.candidates(new Search(SHARED, 3, 2, boundaries), StagePlannerTest::tokens);
        assertThat(found)
            .extracting(candidate -> candidate.stages().rates())
            .doesNotHaveDuplicates()
            .containsExactlyInAnyOrderElementsOf(wanted(grid));
        for (Candidate candidate : found) {
          StagePlan.of(candidate.stages(), FLOW, grid); // throws where it does not divide
        }
      }
    }
  }

  private static List<List<GridFactor>> wanted(LatentGrid grid) {
    var strides = new ArrayList<GridFactor>();
    for (int time : new int[] {1, 2, 4}) {
      for (int side : new int[] {1, 2, 4}) {
        boolean divides =
            (grid.frames() - 1) % time == 0
                && (side == 1 || grid.height() % (2 * side) == 0)
                && (side == 1 || grid.width() % (2 * side) == 0);
        if (divides && time * side > 1) {
          strides.add(new GridFactor(time, side, side));
        }
      }
    }
    var rates = new ArrayList<List<GridFactor>>(List.of(List.of()));
    for (GridFactor first : strides) {
      rates.add(List.of(first));
      for (GridFactor second : strides) {
        boolean divides =
            first.time() % second.time() == 0 && first.height() % second.height() == 0;
        if (divides && !first.equals(second)) {
          rates.add(
              List.of(
                  new GridFactor(
                      first.time() / second.time(),
                      first.height() / second.height(),
                      first.width() / second.width()),
                  second));
        }
      }
    }
    return rates;
  }

  /** Of clips that are smooth along one axis alone, places are dropped along that one. */
  @Test
  void axes_areWeighedAgainstEachOtherByWhatTheyLose() {
    var grid = new LatentGrid(9, 8, 8);
    assertThat(chosenFor(powers(grid, (t, h, w) -> t == 0 ? 1e6 : 1e-9)).largestStrides())
        .isEqualTo(GridFactor.ofTime(4));
    assertThat(chosenFor(powers(grid, (t, h, w) -> h + w == 0 ? 1e6 : 1e-9)).largestStrides())
        .isEqualTo(new GridFactor(1, 4, 4));
    assertThat(chosenFor(powers(grid, (t, h, w) -> t + h + w == 0 ? 1e6 : 1e-9)).largestStrides())
        .isEqualTo(GridFactor.cube(4));
  }

  private static StageConfig chosenFor(LatentSpectrum spectrum) {
    var planner = new StagePlanner(FLOW, spectrum, 0.01);
    return planner
        .choose(
            planner.candidates(
                new Search(SHARED, 3, 1, Boundaries.SCHEDULE), StagePlannerTest::tokens))
        .stages();
  }

  /** Stages of large rates overlap so far that equal shares are no equal steps. */
  @Test
  void sharesOfTheSteps_areTheCheapestWithoutALongerStep() {
    var grid = new LatentGrid(9, 8, 8);
    var planner = new StagePlanner(FLOW, flat(grid), 10);
    for (Candidate candidate :
        planner.candidates(
            new Search(SHARED, 3, 1, Boundaries.SCHEDULE), StagePlannerTest::tokens)) {
      StageConfig equal = candidate.stages().withStepSplit(List.of());
      assertThat(planner.longestStep(candidate.stages()))
          .isLessThanOrEqualTo(planner.longestStep(equal));
      assertThat(candidate.cost()).isLessThanOrEqualTo(tokens(equal));
    }
    StageConfig cubes = StageConfig.of(cubes(2), SHARED.resampling());
    // σ/γ at the ends are those at the starts 0.857 and 0.6 of the next stages over √8: fractions
    // 0.414 and 0.150 of the schedule. So lengths are 0.586, 0.517 and 0.333, in steps of a third.
    assertThat(planner.longestStep(cubes)).isCloseTo(3 * 0.586, within(2e-3));
    assertThat(planner.longestStep(cubes.withStepSplit(List.of(2, 2, 1))))
        .isCloseTo(5 * 0.3333, within(2e-3));
    assertThat(planner.longestStep(StageConfig.pyramid(1, SHARED.resampling()))).isEqualTo(1);
    assertThat(shares(planner, cubes.rates())).containsExactly(2, 2, 1);
    assertThat(shares(planner, GridFactor.ofTimes(2, 2))).isEmpty();
  }

  private static List<Integer> shares(StagePlanner planner, List<GridFactor> rates) {
    return planner
        .candidates(new Search(SHARED, 3, 1, Boundaries.SCHEDULE), StagePlannerTest::tokens)
        .stream()
        .map(Candidate::stages)
        .filter(stages -> stages.rates().equals(rates))
        .findFirst()
        .orElseThrow()
        .stepSplit();
  }

  private static List<GridFactor> cubes(int count) {
    return Collections.nCopies(count, GridFactor.cube(2));
  }

  @Test
  void openCandidates_areThoseWithinTheBudgetFromTheCheapestOn() {
    var planner = new StagePlanner(FLOW, smooth(), 0.002);
    var candidates = planner.candidates(search(Boundaries.SCHEDULE), StagePlannerTest::tokens);
    List<Candidate> open = planner.open(candidates);
    assertThat(open).isNotEmpty().hasSizeLessThan(candidates.size());
    assertThat(open).allMatch(candidate -> candidate.mostLost() <= 0.002 * 1.001);
    assertThat(open).isSortedAccordingTo((a, b) -> Double.compare(a.cost(), b.cost()));
    assertThat(open.get(0)).isEqualTo(planner.choose(candidates));
  }

  @Test
  void searchesOutOfRange_areRefused() {
    assertThatThrownBy(() -> new Search(SHARED, 5, 1, Boundaries.SCHEDULE))
        .hasMessageContaining("stages: from 1 to 4, found 5");
    assertThatThrownBy(() -> new Search(SHARED.withRates(cubes(1)), 3, 1, Boundaries.SCHEDULE))
        .hasMessageContaining("stages: expected one, found 2");
  }

  private static Search search(Boundaries boundaries) {
    return new Search(GROUPED, 3, 1, boundaries);
  }

  private static StageConfig choose(LatentSpectrum spectrum, Boundaries boundaries) {
    var planner = new StagePlanner(FLOW, spectrum, 0.01);
    return planner
        .choose(planner.candidates(search(boundaries), StagePlannerTest::tokens))
        .stages();
  }

  private interface Power {
    double at(int time, int height, int width);
  }

  private static LatentSpectrum powers(LatentGrid grid, Power power) {
    var powers = new ArrayList<Double>();
    for (int t = 0; t < grid.frames(); t++) {
      for (int h = 0; h < grid.height(); h++) {
        for (int w = 0; w < grid.width(); w++) {
          powers.add(power.at(t, h, w));
        }
      }
    }
    return new LatentSpectrum(grid, powers, 0);
  }

  private static LatentSpectrum flat(LatentGrid grid) {
    return powers(grid, (t, h, w) -> 1);
  }

  private static LatentSpectrum still() {
    float[] data = new float[16];
    Arrays.fill(data, 0.5f);
    return of(data);
  }

  private static LatentSpectrum alternating() {
    float[] data = new float[16];
    for (int i = 0; i < data.length; i++) {
      data[i] = i % 2 == 0 ? 1 : -1;
    }
    return of(data);
  }

  private static LatentSpectrum of(float[] frames) {
    return LatentSpectrum.of(
        List.of(Latents.of(new LatentShape(1, 1, frames.length, 1, 1), frames)), 0);
  }

  /** Power that falls with the square of frequency. */
  private static LatentSpectrum smooth() {
    return LatentSpectrumTest.overTime(
        IntStream.range(0, 16).mapToObj(k -> 10.0 / (1 + 4.0 * k * k)).toList());
  }

  /** Mean tokens a step, of a vanilla step's. */
  private static double tokens(StageConfig config) {
    List<Integer> steps = config.splitSteps(100);
    GridFactor strides = config.largestStrides();
    double sum = 0;
    for (int i = 0; i < steps.size(); i++) {
      sum += steps.get(i) / (double) (strides.time() * strides.height() * strides.width());
      strides = i < config.rates().size() ? strides.over(config.rates().get(i)) : strides;
    }
    return sum / 100;
  }
}
