package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;
import static com.google.common.base.Preconditions.checkState;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/** A small matrix that acts on the places of latents along one axis, all others alike. */
final class AxisMatrix {
  private final int rows;
  private final int columns;
  private final double[] values;

  AxisMatrix(int rows, int columns) {
    this.rows = rows;
    this.columns = columns;
    values = new double[rows * columns];
  }

  static AxisMatrix identity(int size) {
    var matrix = new AxisMatrix(size, size);
    for (int i = 0; i < size; i++) {
      matrix.set(i, i, 1);
    }
    return matrix;
  }

  int rows() {
    return rows;
  }

  int columns() {
    return columns;
  }

  double get(int row, int column) {
    return values[row * columns + column];
  }

  void set(int row, int column, double value) {
    values[row * columns + column] = value;
  }

  /** The rows. */
  List<List<Double>> toLists() {
    return IntStream.range(0, rows)
        .mapToObj(i -> IntStream.range(0, columns).mapToObj(j -> get(i, j)).toList())
        .toList();
  }

  /** {@code this · other}. */
  AxisMatrix times(AxisMatrix other) {
    checkArgument(columns == other.rows, "%s columns against %s rows", columns, other.rows);
    var product = new AxisMatrix(rows, other.columns);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < other.columns; j++) {
        double sum = 0;
        for (int k = 0; k < columns; k++) {
          sum += get(i, k) * other.get(k, j);
        }
        product.set(i, j, sum);
      }
    }
    return product;
  }

  AxisMatrix transpose() {
    var transposed = new AxisMatrix(columns, rows);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        transposed.set(j, i, get(i, j));
      }
    }
    return transposed;
  }

  /** The inverse of a square matrix that has one. */
  AxisMatrix inverse() {
    var inverse = new DMatrixRMaj(rows, columns);
    checkState(CommonOps_DDRM.invert(new DMatrixRMaj(rows, columns, true, values), inverse));
    var result = new AxisMatrix(rows, columns);
    System.arraycopy(inverse.data, 0, result.values, 0, values.length);
    return result;
  }

  /** {@code own · this + factor · other}. */
  AxisMatrix mix(double own, double factor, AxisMatrix other) {
    checkArgument(
        rows == other.rows && columns == other.columns, "matrices of different sizes cannot mix");
    var mixed = new AxisMatrix(rows, columns);
    for (int i = 0; i < values.length; i++) {
      mixed.values[i] = own * values[i] + factor * other.values[i];
    }
    return mixed;
  }

  /**
   * The latents whose place i along an axis is {@code Σ_j this[i][j] · place j}, summed in double.
   *
   * @throws IllegalArgumentException if the latents have another number of places than this columns
   */
  Latents apply(Latents x, GridAxis axis) {
    LatentGrid grid = x.shape().grid();
    checkArgument(
        grid.along(axis) == columns,
        "latents: expected %s along %s, found %s",
        columns,
        Words.of(axis),
        x.shape());
    LatentShape shape = x.shape().withGrid(grid.with(axis, rows));
    Latents result = Latents.zeros(shape);
    int inner =
        switch (axis) {
          case TIME -> grid.height() * grid.width();
          case HEIGHT -> grid.width();
          case WIDTH -> 1;
        };
    int outer = x.data().length / (inner * columns);
    int[][] nonZero = nonZero();
    double[] sum = new double[inner];
    for (int plane = 0; plane < outer; plane++) {
      for (int i = 0; i < rows; i++) {
        Arrays.fill(sum, 0);
        for (int j : nonZero[i]) {
          addPlace(sum, get(i, j), x.data(), (plane * columns + j) * inner);
        }
        int to = (plane * rows + i) * inner;
        for (int p = 0; p < inner; p++) {
          result.data()[to + p] = (float) sum[p];
        }
      }
    }
    return result;
  }

  /** The columns of each row that are not 0: repeating and dropping cost what they move. */
  private int[][] nonZero() {
    return IntStream.range(0, rows)
        .mapToObj(i -> IntStream.range(0, columns).filter(j -> get(i, j) != 0).toArray())
        .toArray(int[][]::new);
  }

  private static void addPlace(double[] sum, double factor, float[] data, int from) {
    for (int p = 0; p < sum.length; p++) {
      sum[p] += factor * data[from + p];
    }
  }
}
