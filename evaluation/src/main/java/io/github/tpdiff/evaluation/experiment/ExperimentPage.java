package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.evaluation.experiment.ExperimentReport.ArmReport;
import io.github.tpdiff.lora.report.CurveChart;
import io.github.tpdiff.lora.report.CurveChart.Manner;
import io.github.tpdiff.lora.report.CurveChart.Point;
import io.github.tpdiff.lora.report.HtmlPage;
import io.github.tpdiff.weights.AtomicFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** A report as a page: curves, what each arm saved, and what the paper has beside it. */
record ExperimentPage(Plan plan, ExperimentReport report) {
  static final double TERA = 1e12;

  void write(Path file) {
    AtomicFile.write(file, html().getBytes(StandardCharsets.UTF_8));
  }

  String html() {
    var body = new StringBuilder("<h1>" + HtmlPage.escaped(plan.title()) + "</h1>");
    plan.about().ifPresent(about -> body.append(paragraph(about)));
    body.append(paragraph(progress()));
    var tables = new ExperimentTables(plan, report);
    body.append(tables.speedUps()).append(tables.videos());
    body.append("<h2>Quality against computing</h2><div class=\"row\">");
    for (Measure measure : report.measures()) {
      body.append(chart(measure, " over TFLOPs", p -> p.flops() / TERA));
      body.append(chart(measure, " over seconds", PointResult::seconds));
    }
    body.append("</div>").append(ends()).append(arms());
    return HtmlPage.of(plan.title(), "", body.toString());
  }

  static String paragraph(String text) {
    return "<p>" + HtmlPage.escaped(text) + "</p>";
  }

  private String progress() {
    long done =
        report.arms().values().stream()
            .flatMap(arm -> arm.bySeed().stream())
            .mapToLong(List::size)
            .sum();
    long all = (long) plan.arms().size() * plan.seeds() * plan.budget().points();
    return "%d of %d points; %d clips at each, %d sampler steps.%s"
        .formatted(
            done,
            all,
            plan.quality().clips(),
            plan.quality().steps(),
            plan.seeds() == 1
                ? " With one seed, nothing says how sure a figure is."
                : " Intervals are of 95 %% over %d seeds, by bootstrap.".formatted(plan.seeds()));
  }

  /** Mean curves as dots, those of seeds faint behind them. */
  private String chart(Measure measure, String over, ToDoubleFunction<PointResult> cost) {
    var chart = CurveChart.overPowersOfTwo(measure.words() + over);
    int colour = 0;
    for (Map.Entry<String, ArmReport> arm : report.arms().entrySet()) {
      List<QualityCurve> curves =
          arm.getValue().bySeed().stream()
              .flatMap(points -> ExperimentReport.curve(points, measure, cost).stream())
              .toList();
      int own = colour++;
      if (curves.isEmpty()) {
        continue;
      }
      if (curves.size() > 1) {
        curves.forEach(c -> chart.add(arm.getKey(), Manner.FAINT, own, points(c, measure)));
      }
      chart.add(arm.getKey(), Manner.DOTTED, own, points(QualityCurve.mean(curves), measure));
    }
    return chart.html();
  }

  private static List<Point> points(QualityCurve curve, Measure measure) {
    var points = new ArrayList<Point>();
    for (int i = 0; i < curve.costs().size(); i++) {
      points.add(
          new Point(
              Math.log(curve.costs().get(i)) / Math.log(2),
              measure.quality(curve.qualities().get(i)))); // back to the figure
    }
    return points;
  }

  /** Every figure at the last point that each arm has. */
  private String ends() {
    var names = new TreeSet<String>();
    report
        .arms()
        .values()
        .forEach(
            arm -> arm.bySeed().forEach(s -> s.forEach(p -> names.addAll(p.measures().keySet()))));
    var rows = new ArrayList<String>();
    rows.add(
        ExperimentTables.row(
            "th",
            ExperimentTables.concat(
                List.of("figure at the last point"), List.copyOf(report.arms().keySet()))));
    rows.add(line("steps", PointResult::step));
    rows.add(line("TFLOPs", p -> p.flops() / TERA));
    rows.add(line("seconds", PointResult::seconds));
    names.forEach(name -> rows.add(line(name, p -> p.measures().getOrDefault(name, Double.NaN))));
    return "<h2>Where each arm ends</h2><table>" + String.join("", rows) + "</table>";
  }

  private String line(String name, ToDoubleFunction<PointResult> figure) {
    Function<ArmReport, String> cell =
        arm -> {
          double[] values =
              arm.bySeed().stream()
                  .filter(points -> !points.isEmpty())
                  .map(points -> points.get(points.size() - 1))
                  .filter(point -> point.failure().isEmpty())
                  .mapToDouble(figure)
                  .filter(Double::isFinite)
                  .toArray();
          return values.length == 0
              ? ""
              : String.format(Locale.ROOT, "%.4g", Arrays.stream(values).average().orElseThrow());
        };
    return ExperimentTables.row(
        "td",
        ExperimentTables.concat(List.of(name), report.arms().values().stream().map(cell).toList()));
  }

  /** What each is, and what went wrong. */
  private String arms() {
    var items = new StringBuilder("<h2>Arms</h2><ul>");
    report
        .arms()
        .forEach(
            (name, arm) -> {
              items
                  .append("<li><b>")
                  .append(HtmlPage.escaped(name))
                  .append("</b>: ")
                  .append(HtmlPage.escaped(plan.required(name).about().orElse("")))
                  .append(
                      HtmlPage.escaped(
                          String.format(
                              Locale.ROOT, " %.3g TFLOPs a step.", arm.flopsPerStep() / TERA)));
              for (int seed = 0; seed < arm.bySeed().size(); seed++) {
                for (PointResult point : arm.bySeed().get(seed)) {
                  int own = seed;
                  point
                      .failure()
                      .ifPresent(
                          why ->
                              items.append(
                                  "<div class=\"warn\">seed %d broke off: %s</div>"
                                      .formatted(own, HtmlPage.escaped(why))));
                }
              }
              items.append("</li>");
            });
    return items.append("</ul>").toString();
  }
}
