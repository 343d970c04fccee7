package io.github.tpdiff.lora;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * The nearest matrix of a rank: the largest singular values and their vectors.
 *
 * <p>Randomised subspace iteration (Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1) with
 * ten more vectors than asked for and four rounds; small matrices are decomposed in full. Memory is
 * that of the matrix in fp64.
 */
final class LowRank {

  private static final int OVERSAMPLING = 10;
  private static final int ROUNDS = 4;

  /** Below this, a full decomposition is quick. */
  private static final int SMALL = 64;

  /** What is left of a column that lies in the others' span, in parts of it. */
  private static final double NEGLIGIBLE = 1e-12;

  private final float[] left;
  private final float[] right;
  private final double relativeError;

  private LowRank(float[] left, float[] right, double relativeError) {
    this.left = left;
    this.right = right;
    this.relativeError = relativeError;
  }

  /** [rows, rank]: singular vectors times the roots of their values; not copied. */
  float[] left() {
    return left;
  }

  /** [rank, columns], the same. */
  float[] right() {
    return right;
  }

  /** Frobenius norm of what is left over that of the matrix. */
  double relativeError() {
    return relativeError;
  }

  /**
   * Approximates {@code matrix}, which must not be zero.
   *
   * @param rank at least 1 and at most the smaller dimension
   */
  static LowRank of(DMatrixRMaj matrix, int rank, RandomGenerator random) {
    int width = Math.min(rank + OVERSAMPLING, Math.min(matrix.numRows, matrix.numCols));
    boolean full = Math.min(matrix.numRows, matrix.numCols) <= Math.max(SMALL, 2 * width);
    if (full) {
      return split(matrix, decompose(matrix), rank);
    }
    DMatrixRMaj range = range(matrix, width, random);
    DMatrixRMaj projected = new DMatrixRMaj(width, matrix.numCols);
    CommonOps_DDRM.multTransA(range, matrix, projected);
    Triple inner = decompose(projected);
    DMatrixRMaj left = new DMatrixRMaj(matrix.numRows, inner.left().numCols);
    CommonOps_DDRM.mult(range, inner.left(), left);
    return split(matrix, new Triple(left, inner.values(), inner.right()), rank);
  }

  /** U [m, k], singular values in falling order [1, k], Vᵀ [k, n]. */
  private record Triple(DMatrixRMaj left, DMatrixRMaj values, DMatrixRMaj right) {}

  /** An orthonormal basis of what the matrix does to random vectors, again and again. */
  private static DMatrixRMaj range(DMatrixRMaj matrix, int width, RandomGenerator random) {
    DMatrixRMaj right = new DMatrixRMaj(matrix.numCols, width);
    for (int i = 0; i < right.getNumElements(); i++) {
      right.data[i] = random.nextGaussian();
    }
    DMatrixRMaj left = new DMatrixRMaj(matrix.numRows, width);
    CommonOps_DDRM.mult(matrix, right, left);
    left = orthonormal(left);
    for (int round = 0; round < ROUNDS; round++) {
      CommonOps_DDRM.multTransA(matrix, left, right);
      right = orthonormal(right);
      CommonOps_DDRM.mult(matrix, right, left);
      left = orthonormal(left);
    }
    return left;
  }

  /**
   * Gram-Schmidt, twice. Columns that add nothing become zero: the change of a layer may have any
   * rank, for which EJML's QR decomposition fails.
   */
  private static DMatrixRMaj orthonormal(DMatrixRMaj columns) {
    DMatrixRMaj rows = CommonOps_DDRM.transpose(columns, null);
    int length = rows.numCols;
    for (int i = 0; i < rows.numRows; i++) {
      double before = norm(rows, i);
      for (int pass = 0; pass < 2; pass++) {
        for (int j = 0; j < i; j++) {
          double along = 0;
          for (int k = 0; k < length; k++) {
            along += rows.data[i * length + k] * rows.data[j * length + k];
          }
          for (int k = 0; k < length; k++) {
            rows.data[i * length + k] -= along * rows.data[j * length + k];
          }
        }
      }
      double after = norm(rows, i);
      double factor = after > NEGLIGIBLE * before ? 1 / after : 0;
      for (int k = 0; k < length; k++) {
        rows.data[i * length + k] *= factor;
      }
    }
    return CommonOps_DDRM.transpose(rows, null);
  }

  private static double norm(DMatrixRMaj rows, int row) {
    double squares = 0;
    for (int k = 0; k < rows.numCols; k++) {
      double value = rows.data[row * rows.numCols + k];
      squares += value * value;
    }
    return Math.sqrt(squares);
  }

  private static Triple decompose(DMatrixRMaj matrix) {
    SingularValueDecomposition_F64<DMatrixRMaj> svd =
        DecompositionFactory_DDRM.svd(matrix.numRows, matrix.numCols, true, true, true);
    if (!svd.decompose(matrix.copy())) {
      throw new IllegalStateException("a singular value decomposition failed");
    }
    DMatrixRMaj left = svd.getU(null, false);
    DMatrixRMaj right = svd.getV(null, true);
    int count = svd.numberOfSingularValues();
    Integer[] order = new Integer[count];
    for (int i = 0; i < count; i++) {
      order[i] = i;
    }
    double[] values = svd.getSingularValues();
    Arrays.sort(order, (a, b) -> Double.compare(values[b], values[a]));
    DMatrixRMaj sortedLeft = new DMatrixRMaj(matrix.numRows, count);
    DMatrixRMaj sortedRight = new DMatrixRMaj(count, matrix.numCols);
    DMatrixRMaj sorted = new DMatrixRMaj(1, count);
    for (int k = 0; k < count; k++) {
      int from = order[k];
      sorted.data[k] = values[from];
      CommonOps_DDRM.extract(left, 0, matrix.numRows, from, from + 1, sortedLeft, 0, k);
      CommonOps_DDRM.extract(right, from, from + 1, 0, matrix.numCols, sortedRight, k, 0);
    }
    return new Triple(sortedLeft, sorted, sortedRight);
  }

  /** Both factors get the root of each value, as both are stored in the same type. */
  private static LowRank split(DMatrixRMaj matrix, Triple triple, int rank) {
    float[] left = new float[matrix.numRows * rank];
    float[] right = new float[rank * matrix.numCols];
    for (int k = 0; k < rank; k++) {
      double root = Math.sqrt(triple.values().data[k]);
      for (int row = 0; row < matrix.numRows; row++) {
        left[row * rank + k] = (float) (root * triple.left().get(row, k));
      }
      for (int column = 0; column < matrix.numCols; column++) {
        right[k * matrix.numCols + column] = (float) (root * triple.right().get(k, column));
      }
    }
    return new LowRank(left, right, error(matrix, left, right) / NormOps_DDRM.normF(matrix));
  }

  private static double error(DMatrixRMaj matrix, float[] left, float[] right) {
    int columns = matrix.numCols;
    int rank = right.length / columns;
    double squares = 0;
    double[] row = new double[columns];
    for (int i = 0; i < matrix.numRows; i++) {
      System.arraycopy(matrix.data, i * columns, row, 0, columns);
      for (int k = 0; k < rank; k++) {
        double factor = left[i * rank + k];
        for (int j = 0; j < columns; j++) {
          row[j] -= factor * right[k * columns + j];
        }
      }
      for (double rest : row) {
        squares += rest * rest;
      }
    }
    return Math.sqrt(squares);
  }
}
