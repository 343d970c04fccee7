package io.github.tpdiff.runtime.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.SpaceResampling;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a stage of fewer frames, rows and columns is told of a condition of the full grid. */
class ConditionTest {
  private static final Condition PICTURE =
      new Condition(
          "latents",
          ElementType.F32,
          List.of("batch", "2", "frames", "height", "width"),
          Condition.Follows.FRAMES,
          true);
  private static final Condition MASK =
      new Condition(
          "mask",
          ElementType.I64,
          List.of("batch", "frames", "height", "width"),
          Condition.Follows.FRAMES,
          true);

  /** Channels, frames, rows and columns of the full grid. */
  private static final int[] FULL = {2, 5, 4, 6};

  /** Of 5 frames of 4 x 6 every second frame, row and third column. */
  private static StageGrid stage(Downsampling downsampling) {
    return new StageGrid(
        new LatentGrid(3, 2, 2),
        new GridFactor(2, 2, 3),
        new SpaceResampling(downsampling, Upsampling.NEAREST),
        PositionRules.scaled());
  }

  private static int place(int channel, int frame, int row, int column) {
    return ((channel * FULL[1] + frame) * FULL[2] + row) * FULL[3] + column;
  }

  @ParameterizedTest
  @EnumSource(Downsampling.class)
  void pictureLatents_haveEveryRthFrameAndRowsAndColumnsDroppedAsTheLatentsAre(
      Downsampling downsampling) {
    var full = new float[2 * 5 * 4 * 6];
    for (int i = 0; i < full.length; i++) {
      full[i] = i * i % 97; // no line, whose means would be those of any resampling
    }
    Tensor told = PICTURE.at(stage(downsampling), Tensor.ofFloats(full, 1, 2, 5, 4, 6));
    assertThat(told.shape()).containsExactly(1, 2, 3, 2, 2);
    for (int i = 0; i < 2 * 3 * 4; i++) {
      int channel = i / 12;
      int frame = 2 * (i / 4 % 3);
      int row = 2 * (i / 2 % 2);
      int column = 3 * (i % 2);
      float sum = 0;
      for (int cell = 0; cell < 6; cell++) {
        sum += full[place(channel, frame, row + cell / 3, column + cell % 3)];
      }
      float expected =
          downsampling == Downsampling.MEAN ? sum / 6 : full[place(channel, frame, row, column)];
      assertThat(told.floats().get(i))
          .isCloseTo(expected, org.assertj.core.data.Offset.offset(1e-5f));
    }
  }

  /** There is no mean of indices. */
  @ParameterizedTest
  @EnumSource(Downsampling.class)
  void indices_areThoseOfTheFirstPlaceOfEachBlock(Downsampling downsampling) {
    var full = new long[5 * 4 * 6];
    for (int i = 0; i < full.length; i++) {
      full[i] = i;
    }
    Tensor told = MASK.at(stage(downsampling), Tensor.ofLongs(full, 1, 5, 4, 6));
    assertThat(told.shape()).containsExactly(1, 3, 2, 2);
    for (int i = 0; i < 12; i++) {
      assertThat(told.longs().get(i))
          .isEqualTo(place(0, 2 * (i / 4), 2 * (i / 2 % 2), 3 * (i % 2)));
    }
  }
}
