package io.github.tpdiff.lora.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.TimeRange;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** How often one of two denoisers visits each stage. */
class TrainedDenoiserTest {
  private static final NoiseSchedule SCHEDULE =
      Scheduler.fromConfig(Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0))
          .schedule();
  private static final StagePlan PLAN =
      StagePlan.of(
          StageConfig.pyramid(3, FrameResampling.sharedFirstFrame())
              .withBoundaries(List.of(0.9, 0.6)),
          SCHEDULE,
          new LatentGrid(9, 1, 1));

  private static List<Double> weights(double start, double end) {
    return new TrainedDenoiser("a", Optional.of("high_noise"), new TimeRange(start, end))
        .weights(PLAN)
        .weights();
  }

  @Test
  void oneForAllTimes_visitsAllStagesAlike() {
    assertThat(weights(1, 0)).containsExactly(1.0, 1.0, 1.0);
  }

  @Test
  void ofTwo_eachVisitsTheSharesOfItsStages_andTogetherTheySeeAll() {
    List<Double> high = weights(1, 0.875);
    List<Double> low = weights(0.875, 0);
    Stage coarse = PLAN.stages().get(0);
    assertThat(coarse.end()).isLessThan(0.875); // both are asked in it
    assertThat(high.get(0)).isCloseTo(0.125 / (1 - coarse.end()), within(1e-12));
    assertThat(high.get(1)).isCloseTo(0.025 / (0.9 - PLAN.stages().get(1).end()), within(1e-12));
    assertThat(high.get(2)).isEqualTo(0); // wholly outside
    for (int i = 0; i < 3; i++) {
      assertThat(high.get(i) + low.get(i)).isCloseTo(1, within(1e-12));
    }
  }
}
