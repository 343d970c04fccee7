package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.StageConfig.Ends;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** What is asked of stages over what they were trained for. */
class StageChoiceTest {
  private static final StageConfig VANILLA = StageConfig.vanilla();
  private static final PositionRules NATIVE = PositionRules.all(PositionRule.NATIVE);

  /** Everything away from its default. */
  private static final StageConfig TRAINED =
      new StageConfig(
          List.of(GridFactor.cube(2), new GridFactor(1, 2, 2)),
          List.of(0.7, 0.4),
          List.of(1, 1, 2),
          FrameResampling.groupedFirstFrame(),
          new SpaceResampling(Downsampling.STRIDE, Upsampling.LINEAR),
          Targets.PIXEL,
          NATIVE,
          TargetScale.STAGE,
          Ends.CLEAN);

  @Test
  void choiceThatIsLeftOpen_isWhatTheWeightsWereTrainedFor() {
    var asTrained = StageChoice.asTrained().decide(Optional.of(TRAINED), VANILLA);
    assertThat(asTrained.stages()).isEqualTo(TRAINED);
    assertThat(asTrained.differences()).isEmpty();
    assertThat(StageChoice.asTrained().decide(Optional.empty(), VANILLA).stages())
        .isEqualTo(VANILLA);
    assertThat(StageChoice.count(3).decide(Optional.empty(), VANILLA).stages())
        .isEqualTo(StageConfig.pyramid(3, VANILLA.resampling()));
  }

  @Test
  void choiceOfAConfiguration_saysAllOfIt() {
    StageChoice all = StageChoice.of(TRAINED);
    assertThat(all.decide(Optional.empty(), VANILLA).stages()).isEqualTo(TRAINED);
    assertThat(all.decide(Optional.of(TRAINED), VANILLA).differences()).isEmpty();
  }

  @Test
  void everyChoiceThatIsNotTheTrainings_isNamed() {
    StageChoice other =
        new StageChoice(
            OptionalInt.empty(),
            List.of(new GridFactor(1, 2, 2), GridFactor.ofTime(2)),
            List.of(),
            List.of(),
            Optional.of(Downsampling.MEAN),
            Optional.empty(),
            Optional.of(Downsampling.MEAN),
            Optional.of(Upsampling.NEAREST),
            Optional.of(Targets.LATENT),
            Optional.of(
                new PositionRules(PositionRule.SCALED, PositionRule.NATIVE, PositionRule.NATIVE)),
            Optional.empty(),
            Optional.of(Ends.LINKED));
    var decided = other.decide(Optional.of(TRAINED), VANILLA);
    assertThat(decided.stages())
        .isEqualTo(
            new StageConfig(
                other.rates(),
                TRAINED.boundaries(),
                TRAINED.stepSplit(),
                new FrameResampling(
                    Downsampling.MEAN, Upsampling.NEAREST, FrameResampling.FirstFrame.GROUPED),
                SpaceResampling.blocks(),
                Targets.LATENT,
                other.positions().orElseThrow(),
                TargetScale.STAGE,
                Ends.LINKED));
    assertThat(decided.differences())
        .containsExactly(
            "rates [[1, 2, 2], 2], trained with [[2, 2, 2], [1, 2, 2]]",
            "downsampling mean, trained with stride",
            "downsampling of space mean, trained with stride",
            "upsampling of space nearest, trained with linear",
            "targets latent, trained with pixel",
            "positions [scaled, native, native], trained with native",
            "ends linked, trained with clean");
  }

  @Test
  void anotherNumberOfStages_isRefused() {
    assertThatThrownBy(() -> StageChoice.count(2).decide(Optional.of(TRAINED), VANILLA))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "stages: these weights were made for 3, found 2; leave the number out, or use weights"
                + " made for it");
    StageChoice none = StageChoice.asTrained();
    assertThatThrownBy(
            () ->
                new StageChoice(
                    OptionalInt.of(3),
                    List.of(GridFactor.cube(2)),
                    none.boundaries(),
                    none.stepSplit(),
                    none.downsampling(),
                    none.upsampling(),
                    none.spaceDownsampling(),
                    none.spaceUpsampling(),
                    none.targets(),
                    none.positions(),
                    none.targetScale(),
                    none.ends()))
        .hasMessage("stages.rates: expected 2 values for 3 stages, found [[2, 2, 2]]");
  }
}
