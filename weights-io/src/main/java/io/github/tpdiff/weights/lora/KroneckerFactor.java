package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;

/**
 * A factor of a Kronecker product, in full or as a product {@code left · right} of low rank.
 *
 * @param rows of the factor
 * @param columns of the factor
 * @param rank of the product; 0 where the factor is in full
 * @param left [rows, rank], or the factor [rows, columns]; not copied
 * @param right [rank, columns], or empty; not copied
 */
@SuppressWarnings("ArrayRecordComponent") // large, never compared
public record KroneckerFactor(int rows, int columns, int rank, float[] left, float[] right) {
  /**
   * @throws CheckpointException when there are not as many numbers as the sizes say
   */
  public KroneckerFactor {
    int leftColumns = rank == 0 ? columns : rank;
    if (rows < 1
        || columns < 1
        || rank < 0
        || left.length != (long) rows * leftColumns
        || right.length != (long) rank * columns) {
      throw new CheckpointException(
          "expected a factor [%d, %d] of rank %d, found %d and %d values"
              .formatted(rows, columns, rank, left.length, right.length));
    }
  }

  /** A factor in full. */
  public static KroneckerFactor full(int rows, int columns, float[] values) {
    return new KroneckerFactor(rows, columns, 0, values, new float[0]);
  }

  public boolean isFull() {
    return rank == 0;
  }

  /** The factor in full, times a number. */
  KroneckerFactor inFull(double scale) {
    float[] values = new float[Math.multiplyExact(rows, columns)];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        double sum = isFull() ? left[row * columns + column] : 0;
        for (int k = 0; k < rank; k++) {
          sum += (double) left[row * rank + k] * right[k * columns + column];
        }
        values[row * columns + column] = (float) (scale * sum);
      }
    }
    return full(rows, columns, values);
  }

  /** The largest absolute number of the factor in full; of values that are in full. */
  double largest() {
    double largest = 0;
    for (float value : left) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  /** The sum of squares; of values that are in full. */
  double squares() {
    double squares = 0;
    for (float value : left) {
      squares += (double) value * value;
    }
    return squares;
  }
}
