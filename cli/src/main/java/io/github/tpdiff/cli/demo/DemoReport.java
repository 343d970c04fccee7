package io.github.tpdiff.cli.demo;

import io.github.tpdiff.cli.StageTimes.StageTime;
import io.github.tpdiff.lora.report.HtmlPage;
import io.github.tpdiff.weights.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** One HTML file with everything in it: nothing is loaded from elsewhere. */
record DemoReport(DemoFolder folder, Results results) {
  private static final String STYLE =
      """
      video { width: 230px; image-rendering: pixelated }
      """;

  /** What the demo found out, as it goes. */
  static final class Results {
    LossCurve pretraining = new LossCurve("none");
    LossCurve lora = new LossCurve("none");
    String stages = "none";
    boolean picturesGiven;
    final List<HeldOutLoss> heldOut = new ArrayList<>();
    final List<Take> takes = new ArrayList<>();
    final List<String> engines = new ArrayList<>();
    final List<DemoCommand.Chapter> chapters = new ArrayList<>();

    List<Take> takes(Take.Way way) {
      return takes.stream().filter(take -> take.way() == way).toList();
    }

    /** The quickest run of several: what else the machine does only adds. */
    Take fastest(Take.Way way) {
      return takes(way).stream()
          .min((a, b) -> Double.compare(a.seconds(), b.seconds()))
          .orElseThrow();
    }

    /** How many times faster staged sampling was than vanilla, over the same number of steps. */
    double speedUp(Take.Way vanilla, Take.Way staged) {
      return fastest(vanilla).seconds() / fastest(staged).seconds();
    }

    /** The largest difference of final latents. */
    double difference(Take.Way one, Take.Way other) {
      double largest = 0;
      for (int i = 0; i < takes(one).size(); i++) {
        float[] a = takes(one).get(i).latents().data();
        float[] b = takes(other).get(i).latents().data();
        for (int j = 0; j < a.length; j++) {
          largest = Math.max(largest, Math.abs(a[j] - b[j]));
        }
      }
      return largest;
    }
  }

  void write() throws IOException {
    AtomicFile.write(folder.report(), html().getBytes(StandardCharsets.UTF_8));
  }

  private String html() throws IOException {
    return HtmlPage.of("tpdiff demo", STYLE, "<h1>tpdiff demo</h1>" + body());
  }

  private String body() throws IOException {
    return summary()
        + "<h2>Training</h2><div class=\"row\">"
        + results.pretraining.html()
        + results.lora.html()
        + "</div>"
        + heldOutTable()
        + "<h2>Staged against vanilla</h2><p>Stages: "
        + HtmlPage.escaped(results.stages)
        + ".</p>"
        + stageTable()
        + "<h2>Videos</h2>"
        + (results.picturesGiven
            ? "<p>Each begins with a given picture, the first frame of a clip.</p>"
            : "")
        + videos()
        + "<h2>Contact sheet</h2><p>For each caption: the training clip, then "
        + results.takes.stream()
            .map(take -> take.way().label())
            .distinct()
            .collect(Collectors.joining("; "))
        + ".</p>"
        + picture(Files.readAllBytes(folder.contactSheet()), "contact sheet")
        + "<h2>Where the time went</h2>"
        + chapterTable();
  }

  private String summary() {
    return """
        <p class="big">Staged sampling was <b>%.2f</b> times as fast as vanilla on torch and <b>%.2f</b> times on ONNX Runtime, over the same number of steps. At this size starting operations costs more than computing them; <code>tpdiff bench</code> measures real sizes.<br>
        Largest difference between torch and ONNX Runtime after all steps, latents of unit variance: <b>%.1e</b> vanilla, <b>%.1e</b> staged.</p>
        <p>%s</p>
        """
        .formatted(
            results.speedUp(Take.Way.VANILLA_TORCH, Take.Way.STAGED_TORCH),
            results.speedUp(Take.Way.VANILLA_ONNX, Take.Way.STAGED_ONNX),
            results.difference(Take.Way.VANILLA_TORCH, Take.Way.VANILLA_ONNX),
            results.difference(Take.Way.STAGED_TORCH, Take.Way.STAGED_ONNX),
            results.engines.stream().map(HtmlPage::escaped).collect(Collectors.joining("<br>")));
  }

  private String heldOutTable() {
    if (results.heldOut.isEmpty()) {
      return "";
    }
    var rows = new StringBuilder();
    for (HeldOutLoss loss : results.heldOut) {
      loss.after()
          .forEach(
              (stage, after) ->
                  rows.append(
                      "<tr><td>%s</td><td>%d</td><td>%.4f</td><td>%.4f</td></tr>"
                          .formatted(
                              HtmlPage.escaped(loss.of()),
                              stage,
                              loss.before().getOrDefault(stage, Double.NaN),
                              after)));
    }
    return "<h2>Loss on clips that were held out</h2><table><tr><th>training<th>stage<th>before<th>"
        + "after</tr>"
        + rows
        + "</table>";
  }

  private String stageTable() {
    var rows = new StringBuilder();
    for (Take.Way way : Take.Way.values()) {
      Take take = results.fastest(way);
      for (StageTime time : take.stages()) {
        rows.append(
            "<tr><td>%s</td><td>%d</td><td>%s</td><td>%d</td><td>%.3f</td><td>%.1f</td></tr>"
                .formatted(
                    way.label(),
                    time.stage().number(),
                    time.stage().grid().size(),
                    time.steps(),
                    time.seconds(),
                    1000 * time.seconds() / time.steps()));
      }
    }
    return "<table><tr><th>sampling, engine<th>stage<th>latent grid<th>steps<th>seconds<th>ms per"
        + " step</tr>"
        + rows
        + "</table>";
  }

  private String videos() throws IOException {
    var html = new StringBuilder();
    for (String caption : results.takes.stream().map(Take::caption).distinct().toList()) {
      html.append("<p>").append(HtmlPage.escaped(caption)).append("</p><div class=\"row\">");
      for (Take take : results.takes) {
        if (take.caption().equals(caption)) {
          html.append(video(take.file(), take.way().label()));
        }
      }
      html.append("</div>");
    }
    return html.toString();
  }

  private static String video(Path file, String caption) throws IOException {
    return "<figure><video autoplay loop muted playsinline controls src=\"data:video/mp4;base64,"
        + Base64.getEncoder().encodeToString(Files.readAllBytes(file))
        + "\"></video><figcaption>"
        + HtmlPage.escaped(caption)
        + "</figcaption></figure>";
  }

  private static String picture(byte[] png, String caption) {
    return "<figure><img alt=\""
        + HtmlPage.escaped(caption)
        + "\" src=\"data:image/png;base64,"
        + Base64.getEncoder().encodeToString(png)
        + "\"></figure>";
  }

  private String chapterTable() {
    return results.chapters.stream()
        .map(
            chapter ->
                "<tr><td>%s</td><td>%s s</td></tr>"
                    .formatted(
                        HtmlPage.escaped(chapter.title()),
                        String.format(Locale.ROOT, "%.1f", chapter.seconds())))
        .collect(Collectors.joining("", "<table>", "</table>"));
  }
}
