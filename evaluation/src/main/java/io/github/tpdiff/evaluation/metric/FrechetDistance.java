package io.github.tpdiff.evaluation.metric;

import static com.google.common.base.Preconditions.checkArgument;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRPDecomposition_F64;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * The Fréchet distance of two Gaussians with the means and covariances of two sets of rows, in
 * double precision: |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½).
 *
 * <p>With A and B the centred rows, the eigenvalues of Σ₁ Σ₂ are the squared singular values of A
 * Bᵀ, but for a factor. So the trace of its root is their sum: there is no root of a matrix to
 * take, which for fewer rows than dimensions would be one of a singular matrix. Source: Heusel et
 * al., "GANs trained by a two time-scale update rule", 2017, equation 6.
 *
 * @param first rows of the first set
 * @param second rows of the second set
 * @param dimensions numbers of a row
 * @param meanTerm |μ₁ − μ₂|²
 * @param firstScatter sum of the squares of A
 * @param secondScatter sum of the squares of B
 * @param crossScatter sum of the singular values of A Bᵀ
 */
public record FrechetDistance(
    int first,
    int second,
    int dimensions,
    double meanTerm,
    double firstScatter,
    double secondScatter,
    double crossScatter) {

  /** What sums of squares are divided by to be a covariance. */
  public enum Covariance {
    /** N − 1, as {@code numpy.cov}: fvd-comparison, common_metrics_on_video_quality. */
    UNBIASED,
    /** N: StyleGAN-V, cd-fvd. */
    POPULATION;

    private double divisor(int rows) {
      return this == UNBIASED ? rows - 1 : rows;
    }
  }

  /**
   * Of two sets.
   *
   * @param first rows [N, D]; not changed
   * @param second rows [M, D]; not changed
   */
  public static FrechetDistance of(DMatrixRMaj first, DMatrixRMaj second) {
    checkArgument(
        first.getNumCols() == second.getNumCols(),
        "features: expected as many numbers in both sets, found %s and %s",
        first.getNumCols(),
        second.getNumCols());
    checkArgument(
        first.getNumRows() >= 1 && second.getNumRows() >= 1,
        "features: expected at least a row of both sets, found %s and %s",
        first.getNumRows(),
        second.getNumRows());
    DMatrixRMaj a = first.copy();
    DMatrixRMaj b = second.copy();
    double[] meanA = centre(a);
    double[] meanB = centre(b);
    double meanTerm = 0;
    for (int i = 0; i < meanA.length; i++) {
      meanTerm += (meanA[i] - meanB[i]) * (meanA[i] - meanB[i]);
    }
    double normA = NormOps_DDRM.normF(a);
    double normB = NormOps_DDRM.normF(b);
    return new FrechetDistance(
        a.getNumRows(),
        b.getNumRows(),
        a.getNumCols(),
        meanTerm,
        normA * normA,
        normB * normB,
        crossScatter(a, b));
  }

  /** Takes the mean row from all rows. */
  private static double[] centre(DMatrixRMaj rows) {
    var mean = new double[rows.getNumCols()];
    for (int row = 0; row < rows.getNumRows(); row++) {
      for (int i = 0; i < mean.length; i++) {
        mean[i] += rows.unsafe_get(row, i);
      }
    }
    for (int i = 0; i < mean.length; i++) {
      mean[i] /= rows.getNumRows();
    }
    for (int row = 0; row < rows.getNumRows(); row++) {
      for (int i = 0; i < mean.length; i++) {
        rows.unsafe_set(row, i, rows.unsafe_get(row, i) - mean[i]);
      }
    }
    return mean;
  }

  private static double crossScatter(DMatrixRMaj a, DMatrixRMaj b) {
    if (a.getNumRows() == 1 || b.getNumRows() == 1) {
      return 0;
    }
    DMatrixRMaj left = triangle(a);
    DMatrixRMaj right = triangle(b);
    var product = new DMatrixRMaj(left.getNumRows(), right.getNumRows());
    CommonOps_DDRM.multTransB(left, right, product);
    SingularValueDecomposition_F64<DMatrixRMaj> svd =
        DecompositionFactory_DDRM.svd(
            product.getNumRows(), product.getNumCols(), false, false, true);
    if (!svd.decompose(product)) {
      throw new IllegalStateException("the singular values of the features were not found");
    }
    double sum = 0;
    for (int i = 0; i < svd.numberOfSingularValues(); i++) {
      sum += svd.getSingularValues()[i];
    }
    return sum;
  }

  /**
   * Of more rows than columns R Pᵀ of A P = Q R: square, and A Bᵀ keeps its singular values.
   * Columns are pivoted, as features that never change leave others no full rank.
   */
  private static DMatrixRMaj triangle(DMatrixRMaj rows) {
    int columns = rows.getNumCols();
    if (rows.getNumRows() <= columns) {
      return rows;
    }
    QRPDecomposition_F64<DMatrixRMaj> qr =
        DecompositionFactory_DDRM.qrp(rows.getNumRows(), columns);
    if (!qr.decompose(rows)) {
      throw new IllegalStateException("the features have no QR decomposition");
    }
    DMatrixRMaj pivoted = qr.getR(null, /* compact= */ true);
    int[] pivots = qr.getColPivots();
    var triangle = new DMatrixRMaj(columns, columns);
    for (int row = 0; row < columns; row++) {
      for (int column = 0; column < columns; column++) {
        triangle.unsafe_set(row, pivots[column], pivoted.unsafe_get(row, column));
      }
    }
    return triangle;
  }

  /** Whether a set is of one row: then there are no covariances, and the mean term is all. */
  public boolean isMeanTermOnly() {
    return first == 1 || second == 1;
  }

  /** Whether a set has too few rows for a covariance of full rank. */
  public boolean isRankDeficient() {
    return Math.min(first, second) <= dimensions;
  }

  /** The distance, at least 0. */
  public double value(Covariance covariance) {
    if (isMeanTermOnly()) {
      return meanTerm;
    }
    double one = covariance.divisor(first);
    double two = covariance.divisor(second);
    double trace =
        firstScatter / one + secondScatter / two - 2 * crossScatter / Math.sqrt(one * two);
    return Math.max(0, meanTerm + trace);
  }
}
