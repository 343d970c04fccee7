package io.github.tpdiff.lora.report;

import io.github.tpdiff.lora.report.CurveChart.Manner;
import io.github.tpdiff.lora.report.CurveChart.Point;
import io.github.tpdiff.lora.train.LogRow;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The curves of a training from the rows of its log; they do not grow with the steps. */
public final class TrainingCurves {
  private final Map<Integer, ThinnedCurve> losses = byStage();
  private final Map<Integer, ThinnedCurve> smoothed = byStage();
  private final Map<Integer, ThinnedCurve> validation = byStage();
  private final ThinnedCurve learningRate = new ThinnedCurve();
  private final ThinnedCurve gradientNorm = new ThinnedCurve();

  private static Map<Integer, ThinnedCurve> byStage() {
    return new TreeMap<>(Collections.reverseOrder());
  }

  /** Adds a row. */
  public void add(LogRow row) {
    add(losses, row.step(), row.stageLosses());
    // Of the stages that the step visited alone: the others' means stay what they were.
    row.stageLosses().keySet().stream()
        .filter(row.smoothedLosses()::containsKey)
        .forEach(
            stage -> add(smoothed, row.step(), Map.of(stage, row.smoothedLosses().get(stage))));
    add(validation, row.step(), row.validation());
    row.learningRate().ifPresent(rate -> learningRate.add(row.step(), rate));
    row.gradientNorm().ifPresent(norm -> gradientNorm.add(row.step(), norm));
  }

  private static void add(
      Map<Integer, ThinnedCurve> curves, int step, Map<Integer, Double> values) {
    values.forEach(
        (stage, value) -> curves.computeIfAbsent(stage, s -> new ThinnedCurve()).add(step, value));
  }

  /** As they are now: losses, losses of videos held out, learning rate, norm of the gradients. */
  public List<CurveChart> charts() {
    var loss = new CurveChart("loss by stage");
    losses.forEach((stage, curve) -> loss.add("", Manner.FAINT, stage - 1, curve.points()));
    addStages(loss, Manner.PLAIN, smoothed);
    var heldOut = new CurveChart("loss of videos held out, by stage");
    addStages(heldOut, Manner.DOTTED, validation);
    List<Point> rates = learningRate.points();
    List<Point> norms = gradientNorm.points();
    return List.of(
        loss,
        heldOut,
        new CurveChart("learning rate").add("learning rate", Manner.PLAIN, 0, rates),
        new CurveChart("norm of the gradients").add("norm", Manner.PLAIN, 0, norms));
  }

  private static void addStages(
      CurveChart chart, Manner manner, Map<Integer, ThinnedCurve> byStage) {
    byStage.forEach(
        (stage, curve) -> chart.add("stage " + stage, manner, stage - 1, curve.points()));
  }
}
