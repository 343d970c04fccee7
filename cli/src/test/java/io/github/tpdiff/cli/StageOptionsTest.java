package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The pyramid's options, as words of a command line. */
class StageOptionsTest {
  @Command(name = "any")
  private static final class Any {
    @Mixin private StageOptions stages = new StageOptions();
  }

  private static StageChoice choice(String... words) {
    var any = new Any();
    new CommandLine(any).parseArgs(words);
    return any.stages.choice();
  }

  @Test
  void nothingSaid_leavesEverythingAsTrained() {
    assertThat(choice()).isEqualTo(StageChoice.asTrained());
  }

  @Test
  void rates_areOfFrames_orOfFramesRowsAndColumns() {
    assertThat(choice("--rates", "4,2").rates()).isEqualTo(GridFactor.ofTimes(4, 2));
    assertThat(choice("--rates", "2x2x2,1x2x2").rates())
        .containsExactly(GridFactor.cube(2), new GridFactor(1, 2, 2));
    assertThat(choice("--rates=2x1x1,1x2x2", "--stages", "3").rates())
        .containsExactly(GridFactor.ofTime(2), new GridFactor(1, 2, 2));
  }

  /** A comma is within the value, not between two. */
  @Test
  void positions_areOneWordForAllAxes_orOneEach() {
    assertThat(choice("--positions", "native").positions())
        .contains(PositionRules.all(PositionRule.NATIVE));
    assertThat(choice("--positions", "scaled,native,native").positions())
        .contains(new PositionRules(PositionRule.SCALED, PositionRule.NATIVE, PositionRule.NATIVE));
  }

  @Test
  void otherTraits_areWords() {
    StageChoice choice =
        choice(
            "--targets=pixel",
            "--space-downsampling=stride",
            "--space-upsampling=linear",
            "--split=2-2-1");
    assertThat(choice.targets()).contains(Targets.PIXEL);
    assertThat(choice.spaceDownsampling()).contains(Downsampling.STRIDE);
    assertThat(choice.spaceUpsampling()).contains(Upsampling.LINEAR);
    assertThat(choice.downsampling()).isEmpty();
    assertThat(choice.stepSplit()).isEqualTo(List.of(2, 2, 1));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--rates=2x2|'--rates' (R): expected a rate such as 2, or 2x2x2 of frames, rows and columns,"
            + " found '2x2'",
        "--rates=2,2x0x2|'--rates' (R): expected a rate such as 2, or 2x2x2 of frames, rows and"
            + " columns, found '2x0x2'",
        "--rates=x|found 'x'",
        "--rates=2x2x2x2|found '2x2x2x2'",
        "--positions=scaled,native|'--positions': expected one of scaled, native, or three of them,"
            + " found 'scaled,native'",
        "--positions=own|expected one of scaled, native, found 'own'",
        "--targets=pixels|'--targets': expected one of latent, pixel, found 'pixels'",
        "--space-upsampling=cubic|expected one of nearest, linear, found 'cubic'",
        "--split=2-2-x|--split: expected shares such as 1-1-2, found '2-2-x'",
      })
  void whatIsNoStage_isRefusedByItsOption(String words, String message) {
    assertThatThrownBy(() -> choice(words))
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }
}
