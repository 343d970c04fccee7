package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.List;

/** Rows as they come. */
final class RowCollector {
  private final List<float[]> rows = new ArrayList<>();

  /**
   * Adds a row.
   *
   * @throws CheckpointException if it has another length than those before
   */
  void add(float... row) {
    if (!rows.isEmpty() && rows.get(0).length != row.length) {
      throw new CheckpointException(
          "features: expected %d numbers as of what came before, found %d"
              .formatted(rows.get(0).length, row.length));
    }
    rows.add(row);
  }

  /**
   * All of them.
   *
   * @param width of a row, where there is none
   */
  FeatureRows rows(int width) {
    int length = rows.isEmpty() ? width : rows.get(0).length;
    var values = new float[Math.multiplyExact(rows.size(), length)];
    for (int i = 0; i < rows.size(); i++) {
      System.arraycopy(rows.get(i), 0, values, i * length, length);
    }
    return new FeatureRows(values, length);
  }
}
