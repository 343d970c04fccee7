package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GuidancePlanTest {
  private static final Guidance HIGH = Guidance.scale(6);
  private static final Guidance LOW = Guidance.scale(4);

  private static GuidancePlan plan(List<Guidance> stages, String interval) {
    return new GuidancePlan(
        new FlowMatching(),
        List.of(HIGH, LOW),
        stages,
        interval.isEmpty() ? Optional.empty() : Optional.of(NoiseLevels.parse(interval)));
  }

  @Test
  void interval_isOpenBelowAndClosedAbove() {
    GuidancePlan plan = plan(List.of(), "0.9,0.2");
    assertThat(plan.at(0, 1, 901)).isEqualTo(Guidance.none());
    assertThat(plan.at(0, 1, 900)).isEqualTo(HIGH);
    assertThat(plan.at(1, 2, 201)).isEqualTo(LOW);
    assertThat(plan.at(1, 2, 200)).isEqualTo(Guidance.none());
    assertThat(plan.isSame()).isFalse();
    assertThat(plan.needsUnconditional()).isTrue();
  }

  @Test
  void stages_haveTheirOwnScalesAndIntervals_coarsestFirst() {
    GuidancePlan plan = plan(List.of(LOW, HIGH, Guidance.none()), "1,0.5//0.3,0");
    assertThat(plan.at(0, 3, 600)).isEqualTo(LOW);
    assertThat(plan.at(1, 3, 500)).isEqualTo(Guidance.none());
    assertThat(plan.at(0, 2, 600)).isEqualTo(Guidance.none());
    assertThat(plan.at(0, 1, 100)).isEqualTo(Guidance.none());
    assertThat(plan(List.of(LOW, HIGH), "").isSame()).isTrue();
    assertThat(plan(List.of(LOW, Guidance.none()), "").isSame()).isFalse();
    assertThat(plan(List.of(LOW, Guidance.none()), "").needsUnconditional(1)).isTrue();
  }

  /** ε-prediction: the clock is σ/γ, and timestep n the time (n + 1)/N. */
  @Test
  void intervalOfATable_isOnItsClock() {
    VariancePreserving form = VariancePreserving.linear(0.00085, 0.012, 1000);
    double alpha = form.alphaCumprod(0.5);
    var interval = NoiseLevels.of(List.of(Math.sqrt((1 - alpha) / alpha) + 1e-9, 0.0));
    var plan = new GuidancePlan(form, List.of(HIGH), List.of(), Optional.of(interval));
    assertThat(plan.at(0, 1, 499)).isEqualTo(HIGH);
    assertThat(plan.at(0, 1, 500)).isEqualTo(Guidance.none());
  }

  @Test
  void whatIsForOtherStages_isRefused() {
    assertThatThrownBy(() -> plan(List.of(HIGH, LOW), "").requireStages(3))
        .hasMessage("stage_guidance: expected 3 values, one a stage, found 2");
    assertThatThrownBy(() -> plan(List.of(), "1,0.5/0.4,0").requireStages(3))
        .hasMessage("guidance_interval: expected one pair, or one for each of 3 stages, found 2");
    assertThatThrownBy(() -> plan(List.of(), "1,0.5,0.2"))
        .hasMessageStartingWith("guidance_interval: expected pairs of noise levels");
    plan(List.of(), "1,0.5").requireStages(3);
  }
}
