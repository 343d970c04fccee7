package io.github.tpdiff.lora.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentSpectrum;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlanner;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Boundaries;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Candidate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

final class StageSearchTest {
  private static final StagePlanner PLANNER =
      new StagePlanner(
          Scheduler.fromConfig(
                  Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0))
              .schedule(),
          new LatentSpectrum(new LatentGrid(9, 8, 8), Collections.nCopies(576, 1e-6), 0),
          0.01);

  private static final List<Candidate> CANDIDATES =
      PLANNER.candidates(
          new StagePlanner.Search(
              StageConfig.pyramid(1, FrameResampling.sharedFirstFrame()),
              3,
              1,
              Boundaries.SCHEDULE),
          StageSearchTest::tokens);

  private static double tokens(StageConfig config) {
    GridFactor strides = config.largestStrides();
    double sum = 0;
    List<Integer> steps = config.splitSteps(100);
    for (int i = 0; i < steps.size(); i++) {
      sum += steps.get(i) / (double) (strides.time() * strides.height() * strides.width());
      strides = i < config.rates().size() ? strides.over(config.rates().get(i)) : strides;
    }
    return sum;
  }

  private static StageLosses losses(double excess) {
    var staged = new LinkedHashMap<PositionRules, Map<Integer, Double>>();
    staged.put(PositionRules.scaled(), Map.of(2, 3 * excess));
    staged.put(PositionRules.all(PositionRule.NATIVE), Map.of(2, excess));
    return new StageLosses(staged, Map.of(2, 1.0));
  }

  private static StageSearch search(List<StageConfig> asked, Function<StageConfig, Double> excess) {
    return StageSearch.byProbe(
        PLANNER,
        CANDIDATES,
        2,
        stages -> {
          asked.add(stages);
          return losses(excess.apply(stages));
        });
  }

  @Test
  void cheapestThatIsNearEnough_isChosenWithItsBestPositions() {
    var asked = new ArrayList<StageConfig>();
    StageSearch found = search(asked, stages -> 1.9);
    assertThat(asked).containsExactly(PLANNER.choose(CANDIDATES).stages());
    assertThat(found.stages())
        .isEqualTo(asked.get(0).withPositions(PositionRules.all(PositionRule.NATIVE)));
    StageSearch unasked = StageSearch.byInformation(PLANNER, CANDIDATES);
    assertThat(unasked.stages()).isEqualTo(asked.get(0));
    assertThat(unasked.probed()).isEmpty();
  }

  @Test
  void stagesThatAreTooFar_givePlaceToTheNextCheapest_afterAFewToOtherAxes() {
    var asked = new ArrayList<StageConfig>();
    StageSearch found =
        search(asked, stages -> stages.largestStrides().isOfTimeAlone() ? 1.5 : 2.5);
    assertThat(found.stages().largestStrides()).isEqualTo(GridFactor.ofTime(4));
    List<GridFactor> strides = asked.stream().map(StageConfig::largestStrides).toList();
    assertThat(strides.stream().filter(s -> s.time() > 1 && s.height() > 1)).hasSize(3);
    assertThat(strides.stream().filter(s -> s.time() == 1)).hasSizeLessThanOrEqualTo(3);
    assertThat(strides.stream().filter(GridFactor::isOfTimeAlone)).hasSize(1);
    assertThat(asked).extracting(StageSearchTest::tokens).isSorted();
  }

  @Test
  void stagesThatAreAllTooFar_leaveOne() {
    var asked = new ArrayList<StageConfig>();
    StageSearch found = search(asked, stages -> 2.1);
    assertThat(found.stages().stages()).isEqualTo(1);
    assertThat(asked).hasSize(9);
  }
}
