package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.evaluation.experiment.ExperimentReport.ArmReport;
import io.github.tpdiff.evaluation.experiment.ExperimentReport.SpeedUps;
import io.github.tpdiff.evaluation.experiment.ExperimentReport.VideoCost;
import io.github.tpdiff.lora.report.CurveChart;
import io.github.tpdiff.lora.report.CurveChart.Manner;
import io.github.tpdiff.lora.report.CurveChart.Point;
import io.github.tpdiff.lora.report.HtmlPage;
import io.github.tpdiff.weights.AtomicFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A report as a page: curves, what each arm saved, and what the paper has beside it. */
record ExperimentPage(Plan plan, ExperimentReport report) {
  private static final double TERA = 1e12;

  /** Of the paper's figures, the one that is not of training. */
  private static final String INFERENCE = "inference_speed_up";

  private static final List<String> VIDEO_COLUMNS =
      List.of("TFLOPs", "times less", "seconds", "times less");

  void write(Path file) {
    AtomicFile.write(file, html().getBytes(StandardCharsets.UTF_8));
  }

  String html() {
    var body = new StringBuilder("<h1>" + HtmlPage.escaped(plan.title()) + "</h1>");
    plan.about().ifPresent(about -> body.append(paragraph(about)));
    body.append(paragraph(progress()));
    body.append(speedUps());
    body.append(videos());
    body.append("<h2>Quality against computing</h2><div class=\"row\">");
    for (Measure measure : measures()) {
      body.append(chart(measure, " over TFLOPs", p -> p.flops() / TERA));
      body.append(chart(measure, " over seconds", PointResult::seconds));
    }
    body.append("</div>").append(ends()).append(arms());
    return HtmlPage.of(plan.title(), "", body.toString());
  }

  private static String paragraph(String text) {
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

  /** The figures that tell points apart: not those that all have alike, as when none shows all. */
  private List<Measure> measures() {
    var all = new LinkedHashMap<String, Measure>();
    report
        .arms()
        .values()
        .forEach(arm -> ExperimentReport.measures(arm.bySeed()).forEach(m -> all.put(m.name(), m)));
    return all.values().stream().filter(measure -> varies(measure.name())).toList();
  }

  private boolean varies(String measure) {
    return report.arms().values().stream()
            .flatMap(arm -> arm.bySeed().stream().flatMap(List::stream))
            .flatMap(point -> Optional.ofNullable(point.measures().get(measure)).stream())
            .distinct()
            .limit(2)
            .count()
        > 1;
  }

  /** The table that everything is for. */
  private String speedUps() {
    List<Measure> measures =
        measures().stream()
            .filter(
                measure ->
                    report.arms().values().stream()
                        .anyMatch(arm -> arm.speedUps().containsKey(measure.name())))
            .toList();
    var head = new ArrayList<String>();
    for (Measure measure : measures) {
      head.add(measure.name() + ": FLOPs");
      head.add(measure.name() + ": seconds");
    }
    String table =
        table(
            head,
            paper(figure -> !figure.equals(INFERENCE)),
            arm ->
                measures.stream()
                    .flatMap(
                        measure -> {
                          Optional<SpeedUps> own =
                              Optional.ofNullable(arm.speedUps().get(measure.name()));
                          return Stream.of(
                              own.flatMap(SpeedUps::flops).map(ExperimentPage::words).orElse(""),
                              own.flatMap(SpeedUps::seconds)
                                  .map(ExperimentPage::words)
                                  .orElse(""));
                        })
                    .toList());
    return "<h2>Training: speed-up at equal quality</h2>"
        + table
        + paragraph(
            "How many times less an arm takes than the one it is held against to the best quality"
                + " that both reach, on rising mean curves, between points in proportion to the"
                + " logarithm; a dash where one begins above what the other ends at.");
  }

  /** What a video takes: what is saved in training may be paid there, or saved again. */
  private String videos() {
    boolean timed = report.arms().values().stream().anyMatch(arm -> arm.timed().isPresent());
    var head = new ArrayList<>(VIDEO_COLUMNS);
    if (timed) {
      VIDEO_COLUMNS.forEach(column -> head.add("timed: " + column));
    }
    String table =
        table(
            head,
            paper(INFERENCE::equals),
            arm -> {
              var cells = new ArrayList<>(cells(Optional.of(arm.video())));
              if (timed) {
                cells.addAll(cells(arm.timed()));
              }
              return cells;
            });
    String about =
        "Denoising one of the clips that quality is measured on: FLOPs by the cost model, seconds as"
            + " measured, and how many times less than the arm it is held against.";
    String sizes =
        plan.speed()
            .map(
                speed ->
                    " Timed: videos of %s in %d steps, the median of %d rounds, every step at the median of its stage."
                        .formatted(
                            speed.sizes().entrySet().stream()
                                .map(size -> size.getValue() + " (" + size.getKey() + ")")
                                .collect(Collectors.joining(", ")),
                            speed.steps(),
                            speed.rounds()))
            .orElse("");
    return "<h2>Generating a video</h2>" + table + paragraph(about + sizes);
  }

  private static List<String> cells(Optional<VideoCost> cost) {
    return List.of(
        cost.map(own -> String.format(Locale.ROOT, "%.3g", own.flops() / TERA)).orElse(""),
        cost.map(own -> number(OptionalDouble.of(own.flopsSpeedUp()))).orElse(""),
        cost.map(own -> number(own.seconds())).orElse(""),
        cost.map(own -> number(own.secondsSpeedUp())).orElse(""));
  }

  /** What the paper has figures of. */
  private List<String> paper(Predicate<String> shown) {
    return report.arms().values().stream()
        .flatMap(arm -> arm.paper().keySet().stream())
        .filter(shown)
        .distinct()
        .sorted()
        .toList();
  }

  private String table(
      List<String> head, List<String> paper, Function<ArmReport, List<String>> cells) {
    var rows = new StringBuilder();
    rows.append(
        row(
            "th",
            concat(
                concat(List.of("arm", "against"), head),
                paper.stream().map(name -> "paper: " + name.replace('_', ' ')).toList())));
    report
        .arms()
        .forEach(
            (name, arm) ->
                rows.append(
                    row(
                        "td",
                        concat(
                            concat(
                                List.of(name, arm.against().equals(name) ? "" : arm.against()),
                                cells.apply(arm)),
                            paper.stream()
                                .map(
                                    figure ->
                                        Optional.ofNullable(arm.paper().get(figure))
                                            .map(v -> number(OptionalDouble.of(v)))
                                            .orElse(""))
                                .toList()))));
    return "<table>" + rows + "</table>";
  }

  private static String words(SpeedUp speedUp) {
    if (speedUp.value().isEmpty()) {
      return "–";
    }
    String value = number(speedUp.value());
    return speedUp.low().isPresent()
        ? "%s (%s to %s)".formatted(value, number(speedUp.low()), number(speedUp.high()))
        : value;
  }

  private static String number(OptionalDouble value) {
    return value.isPresent() ? String.format(Locale.ROOT, "%.2f", value.getAsDouble()) : "–";
  }

  private static String row(String tag, List<String> cells) {
    return cells.stream()
        .map(cell -> "<%s>%s</%s>".formatted(tag, HtmlPage.escaped(cell), tag))
        .collect(Collectors.joining("", "<tr>", "</tr>"));
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
        row(
            "th",
            concat(List.of("figure at the last point"), List.copyOf(report.arms().keySet()))));
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
    return row("td", concat(List.of(name), report.arms().values().stream().map(cell).toList()));
  }

  private static List<String> concat(List<String> first, List<String> rest) {
    var all = new ArrayList<>(first);
    all.addAll(rest);
    return all;
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
