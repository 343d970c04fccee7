package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkState;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/** The eigendecomposition of a small symmetric matrix, in double. */
final class SymmetricEigen {
  /** Relative rounding below which a negative eigenvalue counts as zero. */
  private static final double ROUNDING = 1e-9;

  private final int size;
  private final EigenDecomposition_F64<DMatrixRMaj> decomposition;

  SymmetricEigen(AxisMatrix matrix) {
    size = matrix.rows();
    var copy = new DMatrixRMaj(size, size);
    for (int i = 0; i < size; i++) {
      for (int j = 0; j < size; j++) {
        copy.set(i, j, matrix.get(i, j));
      }
    }
    decomposition = DecompositionFactory_DDRM.eig(size, true, true);
    checkState(decomposition.decompose(copy), "eigendecomposition did not converge");
  }

  double largest() {
    double largest = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < size; j++) {
      largest = Math.max(largest, decomposition.getEigenvalue(j).getReal());
    }
    return largest;
  }

  /** Eigenvalue number j. */
  double value(int j) {
    return decomposition.getEigenvalue(j).getReal();
  }

  /** Entry i of the unit eigenvector of eigenvalue number j. */
  double vector(int j, int i) {
    return decomposition.getEigenVector(j).get(i, 0);
  }

  /**
   * The symmetric A with {@code A·A} the matrix.
   *
   * @param unit the size of entries against which rounding is judged
   * @throws IllegalStateException if an eigenvalue is negative beyond rounding
   */
  AxisMatrix squareRoot(double unit) {
    var root = new AxisMatrix(size, size);
    for (int k = 0; k < size; k++) {
      double value = decomposition.getEigenvalue(k).getReal();
      checkState(value >= -ROUNDING * unit, "covariance: eigenvalue %s is negative", value);
      double factor = Math.sqrt(Math.max(0, value));
      DMatrixRMaj vector = decomposition.getEigenVector(k);
      for (int i = 0; i < size; i++) {
        for (int j = 0; j < size; j++) {
          root.set(i, j, root.get(i, j) + factor * vector.get(i, 0) * vector.get(j, 0));
        }
      }
    }
    return root;
  }
}
