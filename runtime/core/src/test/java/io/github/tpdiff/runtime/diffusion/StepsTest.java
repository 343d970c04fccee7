package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Points of sampling that are given one by one. */
class StepsTest {
  private static final Offset<Double> ROUNDING = within(1e-12);
  private static final NoiseSchedule FLOW =
      new FlowSchedule(FlowSchedule.Spacing.FLOW_MATCH_EULER, 5);
  private static final NoiseSchedule TABLE =
      new DdimSchedule(
          VariancePreserving.linear(0.00085, 0.012, 1000),
          DdimSchedule.Spacing.CHAINED_TRAILING,
          0,
          0);

  private static StagePlan vanilla(NoiseSchedule schedule) {
    return StagePlan.of(StageConfig.vanilla(), schedule, StagePlanTest.grid(5));
  }

  /** Starts 1, 0.8 and 0.5; ends σ_s/(√2 (1 − σ_s) + σ_s), as linkage of U Uᵀ with λ = 2 has it. */
  private static StagePlan three() {
    var config =
        StageConfig.pyramid(3, FrameResampling.sharedFirstFrame())
            .withBoundaries(List.of(0.8, 0.5));
    return StagePlan.of(config, FLOW, StagePlanTest.grid(5));
  }

  private static double linked(double start) {
    return start / (Math.sqrt(2) * (1 - start) + start);
  }

  private static List<Double> times(List<SamplerStep> steps) {
    return steps.stream().map(SamplerStep::time).toList();
  }

  private static NoiseLevels levels(String text) {
    return NoiseLevels.parse(text);
  }

  /**
   * diffusers 0.42, {@code FlowMatchEulerDiscreteScheduler(shift=1)} and {@code
   * UniPCMultistepScheduler(use_flow_sigmas, flow_shift=1, solver_order=2)}: {@code
   * set_timesteps(sigmas=[1, 0.9375, 0.8333, 0.625])}, {@code v = sin(x) + t/2000} from (1.5, −0.5,
   * 0.25).
   */
  @ParameterizedTest
  @CsvSource({
    "FLOW_MATCH_EULER, euler, 0.2591306713, -0.3898134012, -0.1882197440",
    "UNI_PC, unipc, 0.2682359413, -0.3861736158, -0.1810287624"
  })
  void fourSigmas_areSampledAsDiffusersDoes(
      FlowSchedule.Spacing spacing, String sampler, float first, float second, float third) {
    NoiseSchedule schedule = new FlowSchedule(spacing, 1);
    StagePlan plan = vanilla(schedule);
    List<SamplerStep> steps = Steps.sigmas(levels("1,0.9375,0.8333,0.625")).in(plan).get(0);
    var run =
        new SamplerRun(
            StageLine.whole(schedule),
            steps,
            (x, timestep) -> wave(x, timestep),
            NoiseSource.none(),
            (index, x) -> {});
    Latents start = Latents.of(new LatentShape(1, 1, 1, 1, 3), new float[] {1.5f, -0.5f, 0.25f});
    assertThat(Samplers.named(sampler).sample(run, start).data())
        .containsExactly(new float[] {first, second, third}, within(2e-6f));
  }

  private static Latents wave(Latents x, double timestep) {
    float[] v = x.data().clone();
    for (int i = 0; i < v.length; i++) {
      v[i] = (float) (Math.sin(v[i]) + timestep / 2000);
    }
    return Latents.of(x.shape(), v);
  }

  @Test
  void noShift_isAppliedToThem_andALastZeroIsTheEnd() {
    for (String text : List.of("1,0.9,0.4", "1,0.9,0.4,0")) {
      List<SamplerStep> steps = Steps.sigmas(levels(text)).in(vanilla(FLOW)).get(0);
      assertThat(times(steps)).containsExactly(1.0, 0.9, 0.4);
      assertThat(steps.get(2)).isEqualTo(new SamplerStep(0.4, 0, 400));
    }
  }

  /** The published spacing is the oracle: rows 999, 749, 499 and 249. */
  @Test
  void timestepsOfATable_areItsRows() {
    assertThat(Steps.timesteps(levels("999,749,499,249")).in(vanilla(TABLE)))
        .containsExactly(TABLE.steps(4));
  }

  /** σ/γ of those rows, from ᾱ by hand. */
  @Test
  void sigmasOfATable_areOnItsClock() {
    var form = (VariancePreserving) TABLE.form();
    String text =
        String.join(
            ",",
            List.of(1000, 750, 500, 250).stream()
                .map(row -> form.alphaCumprod(row / 1000.0))
                .map(alpha -> String.valueOf(Math.sqrt((1 - alpha) / alpha)))
                .toList());
    assertThat(Steps.sigmas(levels(text)).in(vanilla(TABLE))).containsExactly(TABLE.steps(4));
  }

  @Test
  void oneList_isCutAtTheStagesStarts_whereEachBeginsInAnyCase() {
    List<List<SamplerStep>> steps = Steps.sigmas(levels("1,0.9,0.7,0.6,0.5,0.1")).in(three());
    assertThat(times(steps.get(0))).containsExactly(1.0, 0.9);
    assertThat(times(steps.get(1))).containsExactly(0.8, 0.7, 0.6);
    assertThat(times(steps.get(2))).containsExactly(0.5, 0.1);
    assertThat(steps.get(0).get(1).next()).isCloseTo(linked(0.8), ROUNDING);
    assertThat(steps.get(1).get(2).next()).isCloseTo(linked(0.5), ROUNDING);
    assertThat(steps.get(2).get(1).next()).isZero();
  }

  @Test
  void listsOfStages_areTheirOwn_andMayBeEmptyButForTheFirst() {
    List<List<SamplerStep>> steps = Steps.sigmas(levels("0.95//0.4995,0.4,0.2")).in(three());
    assertThat(times(steps.get(0))).containsExactly(0.95);
    assertThat(times(steps.get(1))).containsExactly(0.8);
    // Half a timestep from its start is the start.
    assertThat(times(steps.get(2))).containsExactly(0.5, 0.4, 0.2);
    assertThat(Steps.timesteps(levels("950//500,400,200")).in(three())).isEqualTo(steps);
    assertThatThrownBy(() -> Steps.sigmas(levels("/0.8/0.5")).in(three()))
        .hasMessage(
            "sigmas: expected one at least between 1.0 and 0.8, where stage 3 begins, found"
                + " /0.8/0.5");
  }

  @Test
  void whatDoesNotGoWithTheStages_isRefusedInOneLine() {
    assertThatThrownBy(() -> Steps.sigmas(levels("1/0.5")).in(three()))
        .hasMessage("sigmas: expected one list, or one for each of 3 stages, found 2 lists");
    assertThatThrownBy(() -> Steps.sigmas(levels("1/0.9,0.7/0.4")).in(three()))
        .hasMessageStartingWith("sigmas: stage 2 runs from 0.8 to 0.414")
        .hasMessageEndingWith("found 0.9");
    assertThatThrownBy(() -> Steps.timesteps(levels("1000/800,300/400")).in(three()))
        .hasMessageStartingWith("timesteps: stage 2 runs from 800.0 to 414.")
        .hasMessageEndingWith("found 300.0");
    assertThatThrownBy(() -> Steps.sigmas(levels("1.5,0.5")).in(vanilla(FLOW)))
        .hasMessage("sigmas: expected at most 1.0, found 1.5");
    assertThatThrownBy(() -> Steps.timesteps(levels("999,499.3,499.2")).in(vanilla(TABLE)))
        .hasMessageStartingWith("steps: expected times of different timesteps");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "1,0.9,0.9; expected values of at least 0 that fall, found 0.9 after 0.9 in [1.0, 0.9, 0.9]",
        "1,-0.1; expected values of at least 0 that fall, found -0.1 after 1.0 in [1.0, -0.1]",
        "1,NaN; expected values of at least 0 that fall, found NaN after 1.0 in [1.0, NaN]",
        "/; expected from 1 to 10000 values, found 0",
        "1,x; expected numbers such as 1,0.94,0.8, or 1,0.94/0.8/0.6 for three stages, found '1,x'"
      })
  void whatDoesNotFall_isRefused(String text, String message) {
    assertThatThrownBy(() -> levels(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void text_isReadAsItIsWritten() {
    NoiseLevels levels = levels("1, 0.94/ 0.8//0.6");
    assertThat(levels.lists())
        .containsExactly(List.of(1.0, 0.94), List.of(0.8), List.of(), List.of(0.6));
    assertThat(levels(levels.toString())).isEqualTo(levels);
  }
}
