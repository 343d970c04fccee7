package io.github.tpdiff.lora.report;

import io.github.tpdiff.lora.report.ReportState.Sample;
import io.github.tpdiff.lora.report.ReportState.Status;
import io.github.tpdiff.lora.train.TrainingProgress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Says in HTML how a training stands.
 *
 * @param subject what it is about
 */
record ReportWriter(ReportSubject subject) {
  /** Of each prompt, at most; of more, some between the first and the last. */
  private static final int MOST_SAMPLES = 8;

  private static final String STYLE =
      """
      progress { width: 100%; height: 1.2em } video { width: 300px } .samples img { width: 300px }
      .facts td { text-align: left }
      """;

  /** Loads the page again while the run goes on, but not under a user who watches a video. */
  private static final String SCRIPT =
      """
      <script>
      const page = document.body.dataset, key = "tpdiff " + location.pathname;
      const details = () => [...document.querySelectorAll("details")];
      try {
        const kept = JSON.parse(sessionStorage.getItem(key) || "{}");
        details().forEach((d, i) => d.open = (kept.open || [])[i] ?? d.open);
        if (kept.y) scrollTo(0, kept.y);
        addEventListener("beforeunload", () => sessionStorage.setItem(key,
          JSON.stringify({y: scrollY, open: details().map(d => d.open)})));
      } catch (unavailable) {}
      if (page.status === "running") {
        const playing = () => [...document.querySelectorAll("video")].some(v => !v.paused);
        setInterval(() => {
          if (!playing() && String(getSelection()) === "") location.reload();
        }, 5000);
        if (Date.now() - page.written > 180000) document.getElementById("stale").hidden = false;
      }
      </script>
      """;

  private static final String WITHOUT_SCRIPT =
      "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>";

  String page(ReportState state) {
    String status = state.status().name().toLowerCase(Locale.ROOT);
    String body =
        (state.status() == Status.RUNNING ? WITHOUT_SCRIPT : "")
            + "<body data-status=\"%s\" data-written=\"%d\"><h1>%s</h1>"
                .formatted(
                    status, state.written().toEpochMilli(), HtmlPage.escaped(subject.title()))
            + summary(state, status)
            + warnings(state.warnings())
            + charts(state)
            + samples(state.samples())
            + "<h2>Data</h2><pre>"
            + HtmlPage.escaped(String.join("\n", subject.data()))
            + "</pre><h2>Job</h2><details><summary>as it runs, every default said</summary><pre>"
            + HtmlPage.escaped(subject.job())
            + "</pre></details>"
            + SCRIPT;
    return HtmlPage.of(subject.title() + ": " + status, STYLE, body);
  }

  private static String summary(ReportState state, String status) {
    String left =
        state.status() == Status.RUNNING
            ? state.progress().map(p -> ", " + p.left().words()).orElse("")
            : "";
    return "<p class=\"big\">%s: step %d of %d%s</p><progress max=\"%d\" value=\"%d\"></progress>"
            .formatted(
                status,
                state.step(),
                state.steps(),
                HtmlPage.escaped(left),
                state.steps(),
                state.step())
        + "<p class=\"warn\" id=\"stale\" hidden>This page has not been written for minutes: the"
        + " training has ended or hangs.</p>"
        + state.progress().map(ReportWriter::facts).orElse("")
        + "<p><small>written %s UTC</small></p>"
            .formatted(state.written().toString().substring(0, 19).replace("T", " "));
  }

  private static String facts(TrainingProgress progress) {
    return "<table class=\"facts\">"
        + fact("loss, smoothed", byStage(progress.smoothedLosses()))
        + fact("epoch", String.format(Locale.ROOT, "%.2f", progress.epoch()))
        + fact("learning rate", CurveChart.number(progress.learningRate()))
        + fact("gradient norm", CurveChart.number(progress.gradientNorm()))
        + fact("steps a second", CurveChart.number(progress.stepsPerSecond()))
        + "</table>";
  }

  private static String fact(String name, String value) {
    return "<tr><td>%s<td>%s</tr>".formatted(name, HtmlPage.escaped(value));
  }

  private static String byStage(Map<Integer, Double> losses) {
    return losses.entrySet().stream()
        .map(loss -> "stage %d: %s".formatted(loss.getKey(), CurveChart.number(loss.getValue())))
        .collect(Collectors.joining(", "));
  }

  private static String warnings(List<String> lines) {
    return lines.stream()
        .map(line -> "<p class=\"warn\">" + HtmlPage.escaped(line) + "</p>")
        .collect(Collectors.joining());
  }

  private static String charts(ReportState state) {
    return "<h2>Curves</h2><div class=\"row\">"
        + state.charts().stream().map(CurveChart::html).collect(Collectors.joining())
        + "</div>";
  }

  private String samples(List<Sample> all) {
    if (subject.prompts().isEmpty()) {
      return "";
    }
    var html = new StringBuilder("<h2>Samples</h2>");
    for (int i = 0; i < subject.prompts().size(); i++) {
      int prompt = i;
      List<Sample> own = some(all.stream().filter(sample -> sample.prompt() == prompt).toList());
      html.append("<p>").append(HtmlPage.escaped(subject.prompts().get(i)));
      html.append(own.isEmpty() ? " (none yet)" : "").append("</p><div class=\"row samples\">");
      own.forEach(sample -> html.append(figure(sample)));
      html.append("</div>");
    }
    return html.toString();
  }

  /** The newest first; of many the newest, the first, and some between. */
  private static List<Sample> some(List<Sample> all) {
    var kept = new ArrayList<Sample>();
    int count = Math.min(MOST_SAMPLES, all.size());
    for (int i = 0; i < count; i++) {
      int place = count == 1 ? 0 : (int) Math.round((double) i * (all.size() - 1) / (count - 1));
      kept.add(0, all.get(place));
    }
    return kept;
  }

  private static String figure(Sample sample) {
    String file = HtmlPage.escaped(sample.file());
    String shown =
        sample.file().endsWith(".png")
            ? "<img alt=\"sample\" src=\"" + file + "\">"
            : "<video controls loop muted playsinline preload=\"metadata\" src=\""
                + file
                + "\"></video>";
    return "<figure>%s<figcaption>step %d</figcaption></figure>".formatted(shown, sample.step());
  }
}
