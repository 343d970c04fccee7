package io.github.tpdiff.evaluation.metric;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Arrays;

/**
 * Numbers of one video, a row for each of its frames, pairs of frames or windows.
 *
 * @param values row after row
 * @param width numbers of a row
 */
@SuppressWarnings("ArrayRecordComponent") // as it lies in the cache; never compared
public record FeatureRows(float[] values, int width) {
  public FeatureRows {
    checkArgument(
        width >= 1 && values.length % width == 0,
        "features: expected whole rows of %s numbers, found %s",
        width,
        values.length);
  }

  public int rows() {
    return values.length / width;
  }

  public float at(int row, int column) {
    return values[row * width + column];
  }

  /** A copy of one row. */
  public float[] row(int row) {
    return Arrays.copyOfRange(values, row * width, (row + 1) * width);
  }

  /** A copy in which every row has the length 1; rows of zeros stay. */
  FeatureRows normalised() {
    float[] unit = values.clone();
    for (int row = 0; row < rows(); row++) {
      double sum = 0;
      for (int i = row * width; i < (row + 1) * width; i++) {
        sum += (double) unit[i] * unit[i];
      }
      float length = (float) Math.max(Math.sqrt(sum), 1e-12);
      for (int i = row * width; i < (row + 1) * width; i++) {
        unit[i] /= length;
      }
    }
    return new FeatureRows(unit, width);
  }

  /** The scalar product of one row with another. */
  double product(int row, FeatureRows other, int otherRow) {
    checkArgument(
        width == other.width,
        "features: expected as many numbers of both networks, found %s and %s; are they of one model?",
        width,
        other.width);
    double sum = 0;
    for (int i = 0; i < width; i++) {
      sum += (double) at(row, i) * other.at(otherRow, i);
    }
    return sum;
  }
}
