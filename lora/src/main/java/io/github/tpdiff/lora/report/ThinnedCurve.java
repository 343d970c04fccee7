package io.github.tpdiff.lora.report;

import io.github.tpdiff.lora.report.CurveChart.Point;
import java.util.ArrayList;
import java.util.List;

/**
 * A curve of however many values in at most 512 points, each the mean of as many values: when all
 * are taken, neighbours become one.
 */
public final class ThinnedCurve {
  private static final int MOST = 512;

  private final List<Point> whole = new ArrayList<>();
  private int valuesPerPoint = 1;
  private double sumOfX;
  private double sumOfY;
  private int values;

  /** Adds a value; what is no number is left out. */
  public void add(double x, double y) {
    if (!Double.isFinite(y)) {
      return;
    }
    sumOfX += x;
    sumOfY += y;
    values++;
    if (values == valuesPerPoint) {
      whole.add(mean());
      sumOfX = 0;
      sumOfY = 0;
      values = 0;
    }
    if (whole.size() == MOST) {
      halve();
    }
  }

  private Point mean() {
    return new Point(sumOfX / values, sumOfY / values);
  }

  private void halve() {
    var merged = new ArrayList<Point>();
    for (int i = 0; i < MOST; i += 2) {
      Point one = whole.get(i);
      Point next = whole.get(i + 1);
      merged.add(new Point((one.x() + next.x()) / 2, (one.y() + next.y()) / 2));
    }
    whole.clear();
    whole.addAll(merged);
    valuesPerPoint *= 2;
  }

  /** The points so far, the last of fewer values than the others. */
  public List<Point> points() {
    var points = new ArrayList<>(whole);
    if (values > 0) {
      points.add(mean());
    }
    return points;
  }
}
