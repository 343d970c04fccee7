package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Matrices along one axis, and products of them along all. */
class AxisMatrixTest {
  private static final LatentShape SHAPE = new LatentShape(2, 3, 4, 5, 6);

  /** Of random entries, some of them 0. */
  static AxisMatrix random(int rows, int columns, long seed) {
    var random = new Random(seed);
    var matrix = new AxisMatrix(rows, columns);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        matrix.set(i, j, random.nextInt(3) == 0 ? 0 : random.nextGaussian());
      }
    }
    return matrix;
  }

  /** Σ M_t[f][f'] M_h[r][r'] M_w[c][c'] x[f'][r'][c'], term by term. */
  private static Latents product(Latents x, AxisMatrix time, AxisMatrix height, AxisMatrix width) {
    LatentShape from = x.shape();
    Latents result =
        Latents.zeros(from.withGrid(new LatentGrid(time.rows(), height.rows(), width.rows())));
    LatentShape to = result.shape();
    for (int i = 0; i < result.data().length; i++) {
      int column = i % to.width();
      int row = i / to.width() % to.height();
      int frame = i / to.pixels() % to.frames();
      int plane = i / to.pixels() / to.frames();
      double sum = 0;
      for (int f = 0; f < from.frames(); f++) {
        for (int r = 0; r < from.height(); r++) {
          for (int c = 0; c < from.width(); c++) {
            sum +=
                time.get(frame, f)
                    * height.get(row, r)
                    * width.get(column, c)
                    * x.data()[
                        ((plane * from.frames() + f) * from.height() + r) * from.width() + c];
          }
        }
      }
      result.data()[i] = (float) sum;
    }
    return result;
  }

  private static void assertClose(Latents actual, Latents expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    for (int i = 0; i < expected.data().length; i++) {
      // Values of about 10, rounded to floats once for each axis.
      assertThat((double) actual.data()[i]).isCloseTo(expected.data()[i], within(1e-5));
    }
  }

  @ParameterizedTest
  @EnumSource(GridAxis.class)
  void apply_actsOnThePlacesOfItsAxisAlone(GridAxis axis) {
    Latents x = StagePlanTest.noise(SHAPE, 1);
    AxisMatrix matrix = random(7, SHAPE.grid().along(axis), 2);
    Latents expected =
        product(
            x,
            axis == GridAxis.TIME ? matrix : AxisMatrix.identity(4),
            axis == GridAxis.HEIGHT ? matrix : AxisMatrix.identity(5),
            axis == GridAxis.WIDTH ? matrix : AxisMatrix.identity(6));
    assertClose(matrix.apply(x, axis), expected);
  }

  @ParameterizedTest
  @CsvSource({"TIME, time, 4", "HEIGHT, height, 5", "WIDTH, width, 6"})
  void latentsOfAnotherExtent_areRefusedByAxis(GridAxis axis, String name, int extent) {
    var matrix = new AxisMatrix(3, extent + 1);
    assertThatThrownBy(() -> matrix.apply(Latents.zeros(SHAPE), axis))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "latents: expected %d along %s, found [2, 3, 4, 5, 6]".formatted(extent + 1, name));
  }

  @Test
  void gridMatrix_isTheProductOfItsFactors() {
    Latents x = StagePlanTest.noise(SHAPE, 3);
    AxisMatrix time = random(2, 4, 4);
    AxisMatrix height = random(6, 5, 5);
    AxisMatrix width = random(3, 6, 6);
    var all = Map.of(GridAxis.WIDTH, width, GridAxis.TIME, time, GridAxis.HEIGHT, height);
    assertClose(new GridMatrix(all).apply(x), product(x, time, height, width));
    assertClose(
        new GridMatrix(all).ofSpace().apply(x), product(x, AxisMatrix.identity(4), height, width));
    assertThat(new GridMatrix(Map.of()).apply(x)).isSameAs(x);
  }

  @Test
  void gridMatrix_hasAFactorWhereTheRateIsNotOne() {
    var config =
        StageConfig.of(
            java.util.List.of(new GridFactor(2, 1, 3)), FrameResampling.groupedFirstFrame());
    var full = new LatentGrid(4, 5, 6);
    GridMatrix down = config.down(full, new GridFactor(2, 1, 3));
    assertThat(down.factors().keySet()).containsExactlyInAnyOrder(GridAxis.TIME, GridAxis.WIDTH);
    assertThat(down.along(GridAxis.WIDTH, 6).toLists())
        .isEqualTo(config.space().axis().down(6, 3).toLists());
    assertThat(down.along(GridAxis.HEIGHT, 5).toLists())
        .isEqualTo(AxisMatrix.identity(5).toLists());
    GridMatrix up = config.up(new LatentGrid(2, 5, 2), new GridFactor(2, 1, 3));
    Latents small = StagePlanTest.noise(new LatentShape(1, 1, 2, 5, 2), 7);
    assertThat(up.apply(small).shape().grid()).isEqualTo(full);
  }

  @Test
  void placesOfSpace_areDroppedAndRepeatedAsTheirNamesSay() {
    Latents rows = Latents.of(new LatentShape(1, 1, 1, 4, 1), new float[] {0, 1, 4, 9});
    AxisResampling mean = SpaceResampling.blocks().axis();
    Latents means = mean.down(4, 2).apply(rows, GridAxis.HEIGHT);
    assertThat(means.data()).containsExactly(0.5f, 6.5f);
    assertThat(mean.up(2, 2).apply(means, GridAxis.HEIGHT).data())
        .containsExactly(0.5f, 0.5f, 6.5f, 6.5f);
    AxisResampling corner = new SpaceResampling(Downsampling.STRIDE, Upsampling.LINEAR).axis();
    Latents corners = corner.down(4, 2).apply(rows, GridAxis.HEIGHT);
    assertThat(corners.data()).containsExactly(0, 4);
    assertThat(corner.up(2, 2).apply(corners, GridAxis.HEIGHT).data()).containsExactly(0, 2, 4, 4);
    // A mean stands in the middle of its block.
    AxisResampling between = new SpaceResampling(Downsampling.MEAN, Upsampling.LINEAR).axis();
    assertThat(between.up(2, 2).apply(means, GridAxis.HEIGHT).data())
        .containsExactly(0.5f, 2, 5, 6.5f);
  }
}
