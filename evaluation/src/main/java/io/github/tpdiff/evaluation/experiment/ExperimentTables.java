package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.evaluation.experiment.ExperimentReport.ArmReport;
import io.github.tpdiff.evaluation.experiment.ExperimentReport.SpeedUps;
import io.github.tpdiff.evaluation.experiment.ExperimentReport.VideoCost;
import io.github.tpdiff.lora.report.HtmlPage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The tables of a report in which every arm stands beside the one that it is held against. */
record ExperimentTables(Plan plan, ExperimentReport report) {
  /** Of the paper's figures, the one that is not of training. */
  private static final String INFERENCE = "inference_speed_up";

  private static final List<String> VIDEO_COLUMNS =
      List.of("TFLOPs", "times less", "seconds", "times less");

  /** The table that everything is for. */
  String speedUps() {
    List<Measure> measures =
        report.measures().stream()
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
                              own.flatMap(SpeedUps::flops).map(ExperimentTables::words).orElse(""),
                              own.flatMap(SpeedUps::seconds)
                                  .map(ExperimentTables::words)
                                  .orElse(""));
                        })
                    .toList());
    return "<h2>Training: speed-up at equal quality</h2>"
        + table
        + ExperimentPage.paragraph(
            "How many times less an arm takes than the one it is held against to the best quality"
                + " that both reach, on rising mean curves, between points in proportion to the"
                + " logarithm; a dash where one begins above what the other ends at.");
  }

  /** What a video takes: what is saved in training may be paid there, or saved again. */
  String videos() {
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
                    " Timed: videos of %s in %d steps%s, every step at the median of its stage."
                        .formatted(
                            speed.sizes().entrySet().stream()
                                .map(size -> size.getValue() + " (" + size.getKey() + ")")
                                .collect(Collectors.joining(", ")),
                            speed.steps(),
                            speed.rounds() == 1
                                ? ""
                                : ", the median of %d rounds".formatted(speed.rounds())))
            .orElse("");
    return "<h2>Generating a video</h2>" + table + ExperimentPage.paragraph(about + sizes);
  }

  private static List<String> cells(Optional<VideoCost> cost) {
    return List.of(
        cost.map(own -> String.format(Locale.ROOT, "%.3g", own.flops() / ExperimentPage.TERA))
            .orElse(""),
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

  static String row(String tag, List<String> cells) {
    return cells.stream()
        .map(cell -> "<%s>%s</%s>".formatted(tag, HtmlPage.escaped(cell), tag))
        .collect(Collectors.joining("", "<tr>", "</tr>"));
  }

  static List<String> concat(List<String> first, List<String> rest) {
    var all = new ArrayList<>(first);
    all.addAll(rest);
    return all;
  }
}
