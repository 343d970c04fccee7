package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;
import static com.google.common.base.Preconditions.checkState;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/** A small matrix that acts on the frames of latents, every channel and pixel alike. */
final class TimeMatrix {
  private final int rows;
  private final int columns;
  private final double[] values;

  TimeMatrix(int rows, int columns) {
    this.rows = rows;
    this.columns = columns;
    values = new double[rows * columns];
  }

  static TimeMatrix identity(int size) {
    var matrix = new TimeMatrix(size, size);
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
  TimeMatrix times(TimeMatrix other) {
    checkArgument(columns == other.rows, "%s columns against %s rows", columns, other.rows);
    var product = new TimeMatrix(rows, other.columns);
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

  TimeMatrix transpose() {
    var transposed = new TimeMatrix(columns, rows);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        transposed.set(j, i, get(i, j));
      }
    }
    return transposed;
  }

  /** The inverse of a square matrix that has one. */
  TimeMatrix inverse() {
    var inverse = new DMatrixRMaj(rows, columns);
    checkState(CommonOps_DDRM.invert(new DMatrixRMaj(rows, columns, true, values), inverse));
    var result = new TimeMatrix(rows, columns);
    System.arraycopy(inverse.data, 0, result.values, 0, values.length);
    return result;
  }

  /** {@code own · this + factor · other}. */
  TimeMatrix mix(double own, double factor, TimeMatrix other) {
    checkArgument(
        rows == other.rows && columns == other.columns, "matrices of different sizes cannot mix");
    var mixed = new TimeMatrix(rows, columns);
    for (int i = 0; i < values.length; i++) {
      mixed.values[i] = own * values[i] + factor * other.values[i];
    }
    return mixed;
  }

  /**
   * The latents whose frame i is {@code Σ_j this[i][j] · frame j}, summed in double.
   *
   * @throws IllegalArgumentException if the latents have another number of frames than this columns
   */
  Latents apply(Latents x) {
    checkArgument(
        x.frames() == columns, "latents: expected %s frames, found %s", columns, x.shape());
    LatentShape shape = x.shape().withFrames(rows);
    Latents result = Latents.zeros(shape);
    int pixels = shape.pixels();
    double[] sum = new double[pixels];
    for (int plane = 0; plane < shape.batch() * shape.channels(); plane++) {
      for (int i = 0; i < rows; i++) {
        Arrays.fill(sum, 0);
        for (int j = 0; j < columns; j++) {
          addFrame(sum, get(i, j), x.data(), (plane * columns + j) * pixels);
        }
        int to = (plane * rows + i) * pixels;
        for (int p = 0; p < pixels; p++) {
          result.data()[to + p] = (float) sum[p];
        }
      }
    }
    return result;
  }

  private static void addFrame(double[] sum, double factor, float[] data, int from) {
    if (factor == 0) {
      return;
    }
    for (int p = 0; p < sum.length; p++) {
      sum[p] += factor * data[from + p];
    }
  }
}
