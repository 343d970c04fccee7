package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.evaluation.metric.Bootstrap.Interval;
import io.github.tpdiff.evaluation.metric.EvaluationResult.DistanceResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.MeasureResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.SetResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.VideoResult;
import io.github.tpdiff.evaluation.metric.FrechetDistance.Covariance;
import io.github.tpdiff.evaluation.metric.Measure.Better;
import io.github.tpdiff.evaluation.metric.Measure.ClipValue;
import io.github.tpdiff.lora.report.HtmlPage;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * An evaluation as a page.
 *
 * @param result what it is about
 */
record EvaluationPage(EvaluationResult result) {
  /** The JSON has them all. */
  private static final int MOST_VIDEOS = 500;

  private static final String STYLE =
      "td.text { text-align: left } td.file { overflow-wrap: anywhere; max-width: 28em }";

  String html() {
    SetResult generated = result.sets().get(0);
    String title = "Evaluation of " + generated.set().source().getFileName();
    return HtmlPage.of(
        title,
        STYLE,
        "<h1>%s</h1>".formatted(HtmlPage.escaped(title))
            + sets()
            + cautions(result.cautions())
            + distances()
            + result.sets().stream().map(EvaluationPage::measures).collect(Collectors.joining())
            + videos(generated)
            + leftOut());
  }

  private String sets() {
    return result.sets().stream()
        .map(
            set ->
                "<p>%s: %d of %d videos of %s</p>"
                    .formatted(
                        HtmlPage.escaped(set.set().name()),
                        set.videos().size(),
                        set.set().videos().size(),
                        HtmlPage.escaped(set.set().source().toString())))
        .collect(Collectors.joining());
  }

  private static String cautions(List<String> lines) {
    return lines.stream()
        .map(line -> "<p class=\"warn\">%s</p>".formatted(HtmlPage.escaped(line)))
        .collect(Collectors.joining());
  }

  private String distances() {
    if (result.distances().isEmpty()) {
      return "";
    }
    return "<h2>Distances</h2><p>Lower is nearer to the real videos. Covariances are sums of squares"
        + " by N &minus; 1 or by N, as published code differs in that. Intervals: 1.96 standard"
        + " deviations over videos drawn with replacement, of the first value.</p>"
        + "<table><tr><th>distance</th><th>by N &minus; 1</th><th>95&nbsp;%</th><th>by N</th>"
        + "<th>rows</th><th>dimensions</th><th>of</th></tr>"
        + result.distances().stream().map(EvaluationPage::row).collect(Collectors.joining())
        + "</table>";
  }

  private static String row(DistanceResult distance) {
    return "<tr><td>%s</td><td><b>%s</b></td><td>%s</td><td>%s</td><td>%d, %d</td><td>%d</td><td class=\"text\">%s</td></tr>%s"
        .formatted(
            HtmlPage.escaped(distance.of().name()),
            number(distance.distance().value(Covariance.UNBIASED)),
            interval(distance.interval()),
            number(distance.distance().value(Covariance.POPULATION)),
            distance.distance().first(),
            distance.distance().second(),
            distance.distance().dimensions(),
            HtmlPage.escaped(distance.of().note()),
            distance.cautions().stream()
                .map(
                    line ->
                        "<tr><td></td><td colspan=\"6\" class=\"text warn\">%s</td></tr>"
                            .formatted(HtmlPage.escaped(line)))
                .collect(Collectors.joining()));
  }

  private static String measures(SetResult set) {
    if (set.measures().isEmpty()) {
      return "";
    }
    return "<h2>Measures of the %s videos</h2>".formatted(HtmlPage.escaped(set.set().name()))
        + "<p>Means over videos; intervals: the central 95&nbsp;% over"
        + " videos drawn with replacement. Names are VBench's where it has them: raw values of single"
        + " dimensions, of which no total can be made.</p>"
        + "<table><tr><th>measure</th><th>mean</th><th>95&nbsp;%</th><th>better</th><th>videos</th>"
        + "<th>of</th></tr>"
        + set.measures().stream().map(EvaluationPage::row).collect(Collectors.joining())
        + "</table>";
  }

  private static String row(MeasureResult measure) {
    return "<tr><td>%s</td><td><b>%s</b></td><td>%s</td><td>%s</td><td>%d</td><td class=\"text\">%s</td></tr>"
        .formatted(
            HtmlPage.escaped(measure.measure().name()),
            measure.value().map(EvaluationPage::number).orElse("no value"),
            interval(measure.interval()),
            measure.measure().better() == Better.HIGHER ? "higher" : "lower",
            measure.videos(),
            HtmlPage.escaped(measure.measure().note()));
  }

  private static String videos(SetResult set) {
    List<String> names = set.measures().stream().map(measure -> measure.measure().name()).toList();
    String more =
        set.videos().size() > MOST_VIDEOS
            ? "<p>The first %d of %d; the JSON has all.</p>"
                .formatted(MOST_VIDEOS, set.videos().size())
            : "";
    return "<h2>Videos</h2>"
        + more
        + "<table><tr><th>file</th><th>frames</th><th>size</th><th>fps</th>"
        + names.stream()
            .map(name -> "<th>%s</th>".formatted(HtmlPage.escaped(name)))
            .collect(Collectors.joining())
        + "</tr>"
        + set.videos().stream()
            .limit(MOST_VIDEOS)
            .map(video -> row(set, video, names))
            .collect(Collectors.joining())
        + "</table>";
  }

  private static String row(SetResult set, VideoResult video, List<String> names) {
    String file =
        video.file().startsWith(set.set().source())
            ? set.set().source().relativize(video.file()).toString()
            : video.file().toString();
    return "<tr><td class=\"file\" title=\"%s\">%s</td><td>%d</td><td>%s</td><td>%s</td>%s</tr>"
        .formatted(
            HtmlPage.escaped(video.caption().orElse("")),
            HtmlPage.escaped(file),
            video.facts().frames(),
            video.facts().size(),
            video.facts().rate(),
            names.stream()
                .map(name -> Optional.ofNullable(video.values().get(name)))
                .map(value -> value.map(ClipValue::value).map(EvaluationPage::number).orElse(""))
                .map("<td>%s</td>"::formatted)
                .collect(Collectors.joining()));
  }

  private String leftOut() {
    String lines =
        result.sets().stream()
            .flatMap(set -> set.leftOut().stream())
            .map(each -> HtmlPage.escaped(each.reason()) + "\n")
            .collect(Collectors.joining());
    return lines.isEmpty() ? "" : "<h2>Left out</h2><pre>" + lines + "</pre>";
  }

  private static String interval(Optional<Interval> interval) {
    return interval.map(i -> number(i.low()) + " to " + number(i.high())).orElse("");
  }

  static String number(double value) {
    return String.format(Locale.ROOT, Math.abs(value) >= 100 ? "%.1f" : "%.4f", value);
  }
}
