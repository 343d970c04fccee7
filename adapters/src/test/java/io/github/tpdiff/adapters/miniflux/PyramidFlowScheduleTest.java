package io.github.tpdiff.adapters.miniflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.SamplerStep;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

final class PyramidFlowScheduleTest {
  private static final PyramidFlowSchedule PUBLISHED = PyramidFlowSchedule.PUBLISHED;

  /** Pixels that one of the stage before becomes. */
  private static final int CELLS = 4;

  private static final Offset<Double> ROUNDING = within(1e-12);

  /** Values that the authors' code gives. */
  @Test
  void times_areThoseOfTheAuthorsCode() {
    Offset<Double> printed = within(5e-7);
    assertThat(PUBLISHED.start(0)).isEqualTo(1);
    assertThat(PUBLISHED.end(0)).isCloseTo(0.667, ROUNDING);
    assertThat(PUBLISHED.start(1)).isCloseTo(0.80023995, printed);
    assertThat(PUBLISHED.end(1)).isCloseTo(0.334, ROUNDING);
    assertThat(PUBLISHED.start(2)).isCloseTo(0.50074962, printed);
    assertThat(PUBLISHED.end(2)).isEqualTo(0);
    assertThat(PUBLISHED.ratioBefore(1)).isCloseTo(0.25615590, printed);
    assertThat(PUBLISHED.ratioBefore(2)).isCloseTo(0.61480490, printed);
    assertThat(PUBLISHED.jumpScale(1)).isCloseTo(0.59988003, printed);
    assertThat(PUBLISHED.jumpNoise(1)).isCloseTo(0.69302812, printed);
    assertThat(PUBLISHED.timestep(0, 1)).isEqualTo(1000);
    assertThat(PUBLISHED.timestep(1, 1)).isEqualTo(744);
    assertThat(PUBLISHED.timestep(2, 0.001)).isCloseTo(1.385, ROUNDING);
  }

  /**
   * With the strongest repulsion a jump gives signal and noise exactly the law of the stage it
   * enters: the signal's share is that of the start, and upsampled and new noise are together white
   * of the start's variance.
   */
  @Test
  void jump_givesTheLawOfTheStageItEnters() {
    for (int stage = 1; stage < PUBLISHED.stages(); stage++) {
      double scale = PUBLISHED.jumpScale(stage);
      double noise = PUBLISHED.jumpNoise(stage);
      double kept = scale * PUBLISHED.end(stage - 1);
      double start = PUBLISHED.start(stage);
      assertThat(scale * (1 - PUBLISHED.end(stage - 1))).isCloseTo(1 - start, ROUNDING);
      double variance = kept * kept + noise * noise;
      double covariance = kept * kept - noise * noise * PUBLISHED.gamma();
      assertThat(variance).isCloseTo(start * start, ROUNDING);
      assertThat(covariance).isCloseTo(0, ROUNDING);
      assertThat(start / (1 - start))
          .isCloseTo(
              Math.sqrt(CELLS) * PUBLISHED.end(stage - 1) / (1 - PUBLISHED.end(stage - 1)),
              ROUNDING);
    }
  }

  @Test
  void steps_goFromTheTopOfAStageToItsEnd() {
    var steps = PUBLISHED.steps(1, 5);
    assertThat(steps).hasSize(5);
    assertThat(steps.get(0).time()).isEqualTo(1);
    assertThat(steps.get(4).time()).isCloseTo(0.001, ROUNDING);
    assertThat(steps.get(4).next()).isEqualTo(0);
    for (int i = 1; i < steps.size(); i++) {
      assertThat(steps.get(i).time()).isEqualTo(steps.get(i - 1).next());
      assertThat(steps.get(i).timestep()).isLessThan(steps.get(i - 1).timestep());
    }
  }

  @Test
  void oneStep_crossesTheWholeStage() {
    assertThat(PUBLISHED.steps(2, 1)).containsExactly(new SamplerStep(1, 0, 386));
  }

  @Test
  void ranges_areRefusedWithTheField() {
    assertThatThrownBy(() -> new PyramidFlowSchedule(1000, 1, List.of(0.0, 0.5, 0.5, 1.0), 0.3))
        .hasMessage("stage_range: expected rising fractions, found [0.0, 0.5, 0.5, 1.0]");
    assertThatThrownBy(() -> new PyramidFlowSchedule(1000, 1, List.of(0.0, 1.0), 0))
        .hasMessage("gamma: must be positive, found 0.0");
    assertThatThrownBy(() -> PUBLISHED.steps(0, 0))
        .hasMessage("steps: at least 1 in each stage, found 0");
    assertThatThrownBy(() -> PUBLISHED.jumpScale(0)).hasMessage("stage: from 1 to 2, found 0");
  }
}
