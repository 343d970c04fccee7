package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScheduleTest {

  @ParameterizedTest
  @EnumSource(FlowSchedule.Spacing.class)
  void stagesThatMeet_spaceStepsAsTheWholeScheduleDoes(FlowSchedule.Spacing spacing) {
    var schedule = new FlowSchedule(spacing, 5);
    double middle = schedule.time(0.5);
    var fractions = new ArrayList<Double>();
    for (SamplerStep step : schedule.steps(10, 1, middle)) {
      fractions.add(schedule.fraction(step.time()));
    }
    assertThat(schedule.steps(10, 1, middle).get(9).next()).isEqualTo(middle);
    for (int i = 1; i < 10; i++) {
      assertThat(fractions.get(i - 1) - fractions.get(i)).isCloseTo(0.05, within(2e-4));
    }
    List<SamplerStep> last = schedule.steps(4, middle, 0);
    assertThat(last.get(0).time()).isEqualTo(middle);
    assertThat(last.get(3).next()).isZero();
    for (int i = 1; i < 4; i++) {
      assertThat(last.get(i).time()).isEqualTo(last.get(i - 1).next());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 50})
  void everyPublishedGrid_goesDownToItsEndInAnyNumberOfSteps(int count) {
    var table = VariancePreserving.scaledLinear(0.00085, 0.012, 1000);
    var schedules = new ArrayList<NoiseSchedule>();
    for (var spacing : FlowSchedule.Spacing.values()) {
      schedules.add(new FlowSchedule(spacing, 8));
    }
    for (var spacing : DdimSchedule.Spacing.values()) {
      schedules.add(new DdimSchedule(table, spacing, 0, 0));
    }
    for (NoiseSchedule schedule : schedules) {
      List<SamplerStep> steps = schedule.steps(count);
      assertThat(steps).hasSize(count);
      for (int i = 1; i < count; i++) {
        assertThat(steps.get(i).time()).isLessThan(steps.get(i - 1).time());
      }
      assertThat(steps.get(count - 1).next()).isZero();
    }
  }

  @Test
  void epsilonTime_isTheInverseOfItsNoiseToSignalRatio() {
    var table = VariancePreserving.linear(0.00085, 0.012, 1000);
    for (double t : new double[] {0, 0.0004, 0.001, 0.3337, 0.75, 1}) {
      assertThat(table.timeAt(table.tau(t))).isCloseTo(t, within(1e-9));
      assertThat(table.gamma(t) * table.gamma(t) + table.sigma(t) * table.sigma(t))
          .isCloseTo(1, within(1e-12));
    }
    assertThatThrownBy(() -> table.timeAt(100)).hasMessageContaining("at most");
  }

  @Test
  void moreStepsThanRows_areRefused() {
    var table = VariancePreserving.linear(0.00085, 0.012, 1000);
    var schedule = new DdimSchedule(table, DdimSchedule.Spacing.LEADING, 0, 0);
    assertThatThrownBy(() -> schedule.steps(20, 0.5, 0.49)).hasMessageContaining("10 timesteps");
    assertThatThrownBy(() -> schedule.steps(0)).hasMessageContaining("found 0");
  }

  @Test
  void settingsThatWouldChangeTheResult_areRefusedByName() {
    Map<String, Object> config =
        new HashMap<>(
            Map.of(
                "_class_name", "UniPCMultistepScheduler",
                "use_flow_sigmas", true,
                "prediction_type", "flow_prediction"));
    assertThat(Scheduler.fromConfig(config).sampler()).isEqualTo(new UniPcSampler());
    config.put("solver_order", 3);
    assertThatThrownBy(() -> Scheduler.fromConfig(config))
        .hasMessage("scheduler_config.json: solver_order: expected 2, found 3");
    Map<String, Object> table =
        new HashMap<>(Map.of("_class_name", "DDIMScheduler", "clip_sample", false));
    table.put("prediction_type", "flow_prediction");
    assertThatThrownBy(() -> Scheduler.fromConfig(table))
        .hasMessage(
            "scheduler_config.json: prediction_type: expected epsilon, v_prediction or sample,"
                + " found flow_prediction");
    table.put("prediction_type", "v_prediction");
    assertThat(Scheduler.fromConfig(table).sampler()).isEqualTo(new EulerSampler());
    table.put("rescale_betas_zero_snr", true);
    assertThatThrownBy(() -> Scheduler.fromConfig(table))
        .hasMessage("scheduler_config.json: rescale_betas_zero_snr: expected false, found true");
    assertThatThrownBy(() -> Scheduler.fromConfig(Map.of("_class_name", "PNDMScheduler")))
        .hasMessageContaining("found PNDMScheduler");
    assertThatThrownBy(
            () ->
                Scheduler.fromConfig(
                    Map.of("_class_name", "FlowUniPCMultistepScheduler", "shift", "three")))
        .hasMessageContaining("shift: expected a number from 0.001 to 1000.0, found three");
  }

  @Test
  void guidance_movesThePredictionAwayFromTheUnconditionalOne() {
    var shape = new LatentShape(1, 1, 1, 1, 2);
    Denoiser conditional = (x, t, p) -> Latents.of(shape, new float[] {1, 2});
    Denoiser unconditional = (x, t, p) -> Latents.of(shape, new float[] {0.5f, 3});
    Latents x = Latents.zeros(shape);
    Denoiser guided = Guidance.scale(5).guide(conditional, () -> unconditional);
    assertThat(guided.predict(x, 0, StageGrid.full(x.shape().grid())).data())
        .containsExactly(3, -2);
    Denoiser plain =
        Guidance.none()
            .guide(
                conditional,
                () -> {
                  throw new AssertionError("not to be asked");
                });
    assertThat(plain.predict(x, 0, StageGrid.full(x.shape().grid())).data()).containsExactly(1, 2);
    assertThat(Guidance.scale(1).needsUnconditional()).isFalse();
  }

  @Test
  void latents_refuseWhatDoesNotFit() {
    assertThatThrownBy(() -> new LatentShape(1, 16, 0, 4, 4)).hasMessageContaining("positive");
    assertThatThrownBy(() -> new LatentShape(9, 16, 9999, 999, 999))
        .hasMessageContaining("2147483647");
    var shape = new LatentShape(2, 1, 1, 1, 2);
    assertThatThrownBy(() -> Latents.of(shape, new float[3])).hasMessageContaining("found 3");
    Latents pair = Latents.of(shape, new float[] {1, 2, 3, 4});
    assertThat(pair.clip(1).data()).containsExactly(3, 4);
    assertThat(Latents.concat(List.of(pair.clip(0), pair.clip(1))).data()).isEqualTo(pair.data());
    assertThatThrownBy(() -> pair.plus(1, pair.clip(0))).hasMessageContaining("expected shape");
    assertThat(pair.isFinite()).isTrue();
    assertThat(pair.times(Double.NaN).isFinite()).isFalse();
  }
}
