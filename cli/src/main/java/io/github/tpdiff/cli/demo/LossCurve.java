package io.github.tpdiff.cli.demo;

import io.github.tpdiff.lora.train.TrainingProgress;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The losses of one training, by stage. */
final class LossCurve {
  private static final double SMOOTHING = 0.9;

  private final String title;
  private final Map<Integer, List<double[]>> byStage = new TreeMap<>();
  private double last = Double.NaN;
  private int steps;

  LossCurve(String title) {
    this.title = title;
  }

  void add(TrainingProgress progress) {
    steps = progress.step();
    last = Double.isNaN(last) ? progress.loss() : mix(last, progress.loss());
    progress
        .stageLosses()
        .forEach(
            (stage, loss) -> {
              List<double[]> points = byStage.computeIfAbsent(stage, s -> new ArrayList<>());
              double smooth = points.isEmpty() ? loss : mix(points.get(points.size() - 1)[1], loss);
              points.add(new double[] {progress.step(), smooth});
            });
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

  /** The plot as PNG; a line per stage. */
  byte[] png() throws IOException {
    XYChart chart =
        new XYChartBuilder()
            .width(560)
            .height(300)
            .title(title)
            .xAxisTitle("step")
            .yAxisTitle("loss")
            .build();
    chart.getStyler().setLegendPosition(LegendPosition.InsideNE);
    byStage.forEach(
        (stage, points) ->
            chart
                .addSeries(
                    byStage.size() == 1 ? "loss" : "stage " + stage,
                    points.stream().mapToDouble(point -> point[0]).toArray(),
                    points.stream().mapToDouble(point -> point[1]).toArray())
                .setMarker(SeriesMarkers.NONE));
    var bytes = new ByteArrayOutputStream();
    BitmapEncoder.saveBitmap(chart, bytes, BitmapFormat.PNG);
    return bytes.toByteArray();
  }
}
