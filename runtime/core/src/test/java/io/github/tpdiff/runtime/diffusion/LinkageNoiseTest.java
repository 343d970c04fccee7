package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.FirstFrame;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Noise of a whole grid, drawn axis by axis, against the matrix of the grid. */
class LinkageNoiseTest {
  private static final FrameResampling SHARED = FrameResampling.sharedFirstFrame();
  private static final FrameResampling LINES =
      new FrameResampling(Downsampling.MEAN, Upsampling.LINEAR, FirstFrame.GROUPED);
  private static final SpaceResampling SPACE_LINES =
      new SpaceResampling(Downsampling.STRIDE, Upsampling.LINEAR);

  /** A coarse grid, the rates that make it finer, and how. */
  private record Upsampled(
      LatentGrid coarse, GridFactor rates, FrameResampling frames, SpaceResampling space) {
    GridMatrix up() {
      return StageConfig.of(List.of(rates), frames).withSpace(space).up(coarse, rates);
    }

    LatentGrid fine() {
      return up().apply(Latents.zeros(new LatentShape(1, 1, 1, 1, 1).withGrid(coarse)))
          .shape()
          .grid();
    }

    /** The matrix of the whole grid, made of what becomes of every unit vector. */
    DMatrixRMaj dense() {
      int from = places(coarse);
      Latents raised = up().apply(units(coarse));
      var dense = new DMatrixRMaj(places(fine()), from);
      for (int i = 0; i < dense.numRows; i++) {
        for (int j = 0; j < from; j++) {
          dense.set(i, j, raised.data()[j * dense.numRows + i]);
        }
      }
      return dense;
    }

    DMatrixRMaj gram() {
      DMatrixRMaj dense = dense();
      var gram = new DMatrixRMaj(dense.numRows, dense.numRows);
      CommonOps_DDRM.multTransB(dense, dense, gram);
      return gram;
    }
  }

  private static int places(LatentGrid grid) {
    return grid.frames() * grid.height() * grid.width();
  }

  /** A clip for each place, 1 there and 0 elsewhere. */
  private static Latents units(LatentGrid grid) {
    int n = places(grid);
    Latents units = Latents.zeros(new LatentShape(n, 1, 1, 1, 1).withGrid(grid));
    for (int i = 0; i < n; i++) {
      units.data()[i * n + i] = 1;
    }
    return units;
  }

  static Stream<Upsampled> upsampled() {
    var all = new ArrayList<Upsampled>();
    for (FrameResampling frames : List.of(SHARED, LINES)) {
      for (SpaceResampling space : List.of(SpaceResampling.blocks(), SPACE_LINES)) {
        for (GridFactor rates :
            List.of(
                new GridFactor(2, 1, 1),
                new GridFactor(1, 2, 1),
                new GridFactor(1, 1, 3),
                new GridFactor(1, 2, 2),
                new GridFactor(2, 2, 1),
                new GridFactor(2, 2, 2),
                new GridFactor(3, 1, 2))) {
          all.add(new Upsampled(new LatentGrid(3, 2, 2), rates, frames, space));
        }
      }
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("upsampled")
  void largestEigenvalue_isThatOfTheWholeGrid(Upsampled case_) {
    DMatrixRMaj gram = case_.gram();
    var eigen = DecompositionFactory_DDRM.eig(gram.numRows, false, true);
    assertThat(eigen.decompose(gram)).isTrue();
    double largest = 0;
    for (int i = 0; i < gram.numRows; i++) {
      largest = Math.max(largest, eigen.getEigenvalue(i).getReal());
    }
    // The whole grid's matrix is made of floats.
    assertThat(LinkageNoise.largestEigenvalue(case_.up())).isCloseTo(largest, within(1e-6));
  }

  @ParameterizedTest
  @MethodSource("upsampled")
  void covariance_isThatOfTheWholeGrid(Upsampled case_) {
    double variance = 0.49;
    // As much as may be kept, so that R has zeros among its eigenvalues.
    double kept = variance / LinkageNoise.largestEigenvalue(case_.up());
    Latents drawn = new LinkageNoise(variance, kept, case_.up()).apply(units(case_.fine()));
    DMatrixRMaj gram = case_.gram();
    int n = gram.numRows;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double covariance = 0;
        for (int unit = 0; unit < n; unit++) {
          covariance += (double) drawn.data()[unit * n + i] * drawn.data()[unit * n + j];
        }
        double expected = (i == j ? variance : 0) - kept * gram.get(i, j);
        assertThat(covariance).isCloseTo(expected, within(1e-6));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("upsampled")
  void basis_isOrthonormalAndTakesUUTransposedApart(Upsampled case_) {
    for (GridAxis axis : case_.up().factors().keySet()) {
      AxisMatrix up = case_.up().along(axis).orElseThrow();
      GramBasis basis = GramBasis.of(up);
      AxisMatrix vectors = basis.vectors();
      AxisMatrix lambda = new AxisMatrix(up.rows(), up.rows());
      for (int i = 0; i < up.rows(); i++) {
        lambda.set(i, i, basis.values().get(i));
      }
      assertClose(vectors.transpose().times(vectors), AxisMatrix.identity(up.rows()));
      assertClose(vectors.times(lambda).times(vectors.transpose()), up.times(up.transpose()));
    }
  }

  private static void assertClose(AxisMatrix actual, AxisMatrix expected) {
    for (int i = 0; i < expected.rows(); i++) {
      for (int j = 0; j < expected.columns(); j++) {
        assertThat(actual.get(i, j)).isCloseTo(expected.get(i, j), within(1e-12));
      }
    }
  }

  @Test
  void basisOfBlocks_hasNoMoreEntriesThanBlocksHavePlaces() {
    AxisMatrix vectors = GramBasis.of(SpaceResampling.blocks().axis().up(26, 4)).vectors();
    for (int column = 0; column < 104; column++) {
      for (int row = 0; row < 104; row++) {
        if (row / 4 != column / 4) {
          assertThat(vectors.get(row, column)).isZero();
        }
      }
    }
    GramBasis frames = GramBasis.of(SHARED.axis().up(3, 2));
    assertThat(frames.values().get(0)).isEqualTo(1);
    assertThat(frames.vectors().get(0, 0)).isIn(1.0, -1.0);
  }

  /**
   * n = σ ε + (c − σ) · the block's mean of ε, c² = σ² − κ · the cells of the block. A block of the
   * shared first frame has only its rows and columns.
   */
  @Test
  void noiseOfNearestUpsampling_isTheBlocksClosedForm() {
    var case_ =
        new Upsampled(
            new LatentGrid(3, 2, 2), new GridFactor(2, 2, 3), SHARED, SpaceResampling.blocks());
    double variance = 0.64;
    double kept = variance / 12;
    Latents white = StagePlanTest.noise(new LatentShape(2, 3, 5, 4, 6), 1);
    Latents found = new LinkageNoise(variance, kept, case_.up()).apply(white);
    for (int i = 0; i < white.data().length; i++) {
      int frame = i / 24 % 5;
      int first = frame == 0 ? 0 : (frame - 1) / 2 * 2 + 1;
      int frames = frame == 0 ? 1 : 2;
      int plane = i / 120 * 120;
      int row = i / 6 % 4 / 2 * 2;
      int column = i % 6 / 3 * 3;
      double mean = 0;
      for (int f = first; f < first + frames; f++) {
        for (int r = row; r < row + 2; r++) {
          for (int c = column; c < column + 3; c++) {
            mean += white.data()[plane + (f * 4 + r) * 6 + c] / (frames * 6.0);
          }
        }
      }
      double sigma = Math.sqrt(variance);
      double ofBlock = Math.sqrt(Math.max(0, variance - kept * frames * 6));
      assertThat((double) found.data()[i])
          .isCloseTo(sigma * white.data()[i] + (ofBlock - sigma) * mean, within(2e-6));
    }
  }

  static Stream<Arguments> overTimeAlone() {
    return Stream.of(SHARED, FrameResampling.groupedFirstFrame(), LINES)
        .flatMap(frames -> Stream.of(2, 3).map(rate -> Arguments.of(frames, rate)));
  }

  @ParameterizedTest
  @MethodSource("overTimeAlone")
  void noiseOverTimeAlone_isTheSymmetricRootsToTheLastBit(FrameResampling frames, int rate) {
    AxisMatrix up = frames.axis().up(4, rate);
    var config = StageConfig.of(List.of(GridFactor.ofTime(rate)), frames);
    GridMatrix over = config.up(new LatentGrid(4, 3, 2), GridFactor.ofTime(rate));
    double variance = 0.36;
    double kept = 0.9 * variance / LinkageNoise.largestEigenvalue(over);
    AxisMatrix covariance =
        AxisMatrix.identity(up.rows()).mix(variance, -kept, up.times(up.transpose()));
    AxisMatrix root = new SymmetricEigen(covariance).squareRoot(variance);
    Latents white = StagePlanTest.noise(new LatentShape(1, 2, up.rows(), 3, 2), 4);
    assertThat(new LinkageNoise(variance, kept, over).apply(white).data())
        .isEqualTo(root.apply(white, GridAxis.TIME).data());
  }

  /** The matrix of the grid would have 131,040² entries, 137 GB of doubles. */
  @Test
  void noiseOfAWholeVideo_needsNoMatrixOfItsGrid() {
    for (SpaceResampling space : List.of(SpaceResampling.blocks(), SPACE_LINES)) {
      var rates = space.equals(SPACE_LINES) ? new GridFactor(1, 2, 2) : GridFactor.cube(2);
      var config = StageConfig.of(List.of(rates), SHARED).withSpace(space);
      var grid = new LatentGrid(21, 60, 104);
      StagePlan plan = StagePlan.of(config, new FlowSchedule(FlowSchedule.Spacing.UNI_PC, 3), grid);
      Linkage linkage = plan.linkages().get(0);
      double variance = linkage.noise().variance();
      Latents noise =
          linkage
              .noise()
              .apply(StagePlanTest.noise(new LatentShape(1, 1, 1, 1, 1).withGrid(grid), 5));
      // The trace of R over the places is that of each eigenvalue, and so of each place: for blocks
      // σ² − κ · 1, of a share of κ = σ²/λ. Its standard error is about √(2/131,040) = 0.004.
      double mean = noise.dot(noise) / noise.data().length;
      double kept = linkage.noise().kept() * meanGram(linkage.up());
      assertThat(mean / (variance - kept)).isCloseTo(1, within(0.02));
    }
  }

  /** The mean of the diagonal of U Uᵀ. */
  private static double meanGram(GridMatrix up) {
    double mean = 1;
    for (AxisMatrix own : up.factors().values()) {
      double sum = 0;
      for (int i = 0; i < own.rows(); i++) {
        for (int j = 0; j < own.columns(); j++) {
          sum += own.get(i, j) * own.get(i, j);
        }
      }
      mean *= sum / own.rows();
    }
    return mean;
  }
}
