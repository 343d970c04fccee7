package io.github.tpdiff.cli.demo;

import io.github.tpdiff.lora.report.CurveChart;
import io.github.tpdiff.lora.report.CurveChart.Manner;
import io.github.tpdiff.lora.report.ThinnedCurve;
import io.github.tpdiff.lora.train.TrainingProgress;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/** The losses of one training, by stage. */
final class LossCurve {
  private static final double SMOOTHING = 0.9;

  private final String title;
  private final Map<Integer, ThinnedCurve> byStage = new TreeMap<>(Collections.reverseOrder());
  private double last = Double.NaN;
  private int steps;

  LossCurve(String title) {
    this.title = title;
  }

  void add(TrainingProgress progress) {
    steps = progress.step();
    last = Double.isNaN(last) ? progress.loss() : mix(last, progress.loss());
    for (int stage : progress.stageLosses().keySet()) {
      byStage
          .computeIfAbsent(stage, s -> new ThinnedCurve())
          .add(steps, progress.smoothedLosses().getOrDefault(stage, Double.NaN));
    }
  }

  private static double mix(double before, double loss) {
    return SMOOTHING * before + (1 - SMOOTHING) * loss;
  }

  int steps() {
    return steps;
  }

  /** The smoothed loss at the end. */
  double last() {
    return last;
  }

  /** The plot as HTML; a line per stage. */
  String html() {
    var chart = new CurveChart(title);
    byStage.forEach(
        (stage, curve) -> chart.add("stage " + stage, Manner.PLAIN, stage - 1, curve.points()));
    return chart.html();
  }
}
