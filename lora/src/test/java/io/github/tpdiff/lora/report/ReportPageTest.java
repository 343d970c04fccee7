package io.github.tpdiff.lora.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.lora.train.LogRow;
import io.github.tpdiff.lora.train.Remaining;
import io.github.tpdiff.lora.train.RunLog;
import io.github.tpdiff.lora.train.SampleShown;
import io.github.tpdiff.lora.train.TrainingProgress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ReportPageTest {
  private static final String HOSTILE = "<img src=x onerror=alert(1)> & \"'";

  private static final ReportSubject SUBJECT =
      new ReportSubject(
          HOSTILE, List.of(HOSTILE, "two"), List.of(HOSTILE, "4 clips"), "train: " + HOSTILE);

  @TempDir private Path folder;

  private RunLog open(int step) {
    return ReportPage.of(SUBJECT).open(new RunLog.Start(folder, 2, 200_000, step));
  }

  private Document page() throws IOException {
    return Jsoup.parse(Files.readString(folder.resolve("report.html")));
  }

  private static LogRow row(int step) {
    int stage = 1 + step % 2;
    return new LogRow(
        step,
        step / 10.0,
        OptionalDouble.of(2.0),
        Map.of(stage, 2.0 + stage),
        Map.of(stage, 1.0 + stage),
        OptionalDouble.of(1e-4),
        OptionalDouble.of(0.5),
        step % 100 == 0 ? Map.of(2, 3.25, 1, 1.5) : Map.of());
  }

  private static TrainingProgress progress(int step) {
    return new TrainingProgress(
        step,
        200_000,
        1.5,
        2,
        Map.of(1, 2.0),
        Map.of(2, 3.5, 1, 2.5),
        0.5,
        1e-4,
        2.5,
        new Remaining(Duration.ofMinutes(65), List.of("samples")));
  }

  private SampleShown sample(int step, int prompt) {
    String name = "samples/step-%08d-%d.mp4".formatted(step, prompt);
    return new SampleShown(step, prompt, folder.resolve(name), new byte[0]);
  }

  @Test
  void whatFilesAndUsersSay_isTextAndNeverMarkup() throws IOException {
    try (RunLog log = open(0)) {
      log.warned(HOSTILE);
      log.sampled(sample(1, 0));
    }
    Document page = page();
    assertThat(page.select("img, [onerror]")).isEmpty();
    assertThat(page.expectFirst("h1").text()).isEqualTo(HOSTILE);
    assertThat(page.select("p.warn").get(1).text()).isEqualTo(HOSTILE);
    assertThat(page.select("pre").eachText())
        .containsExactly(HOSTILE + "\n4 clips", "train: " + HOSTILE);
  }

  @Test
  void page_needsNothingButItselfAndTheSamplesFiles() throws IOException {
    try (RunLog log = open(0)) {
      log.row(row(1));
      log.sampled(sample(1, 1));
    }
    Document page = page();
    assertThat(page.select("link, script[src], iframe, object")).isEmpty();
    assertThat(page.select("[src]").eachAttr("src")).containsExactly("samples/step-00000001-1.mp4");
    assertThat(page.toString()).doesNotContain("http://").doesNotContain("https://");
  }

  /** 100,000 steps, a thousand validations, two thousand samples. */
  @Test
  void longRun_makesNoLargePage() throws IOException {
    try (RunLog log = open(0)) {
      for (int step = 1; step <= 100_000; step++) {
        log.row(row(step));
        if (step % 100 == 0) {
          log.sampled(sample(step, 0));
          log.sampled(sample(step, 1));
        }
      }
      log.finished();
    }
    assertThat(Files.size(folder.resolve("report.html"))).isLessThan(300_000);
    Document page = page();
    List<String> steps = page.select(".samples").get(0).select("figcaption").eachText();
    assertThat(steps).hasSize(8).startsWith("step 100000").endsWith("step 100");
    assertThat(page.select("polyline")).hasSize(2 + 2 + 2 + 1 + 1);
    assertThat(page.select(".key").eachText())
        .containsExactly(
            "stage 2 3",
            "stage 1 2",
            "stage 2 3.25",
            "stage 1 1.5",
            "learning rate 1e-4",
            "norm 0.5");
  }

  @Test
  void pageOfARun_saysHowItStandsAndWhatIsLeft() throws IOException, InterruptedException {
    RunLog log = open(0);
    log.progressed(progress(50));
    while (!Files.exists(folder.resolve("report.html"))
        || !Files.readString(folder.resolve("report.html")).contains("step 50")) {
      Thread.sleep(50); // another thread writes it, seconds later
    }
    Document running = page();
    assertThat(running.body().attr("data-status")).isEqualTo("running");
    assertThat(running.expectFirst(".big").text())
        .isEqualTo("running: step 50 of 200000, 1 h 05 min left, without samples");
    assertThat(running.expectFirst("progress").attr("value")).isEqualTo("50");
    assertThat(running.select("noscript")).isNotEmpty();
    log.close();
    assertThat(page().expectFirst(".big").text()).isEqualTo("stopped: step 50 of 200000");
    assertThat(page().select("noscript")).isEmpty();
  }

  @Test
  void resumedRun_showsTheCurvesAndSamplesItHad() throws IOException {
    Files.createDirectories(folder.resolve("samples"));
    for (String name :
        List.of("step-00000020-1.mp4", "step-00000040-1.png", "step-00000060-1.mp4")) {
      Files.createFile(folder.resolve("samples").resolve(name));
    }
    try (RunLog log = open(40)) {
      for (int step = 1; step <= 40; step++) {
        log.earlier(row(step));
      }
      log.finished();
    }
    Element samples = page().select(".samples").get(1);
    assertThat(samples.select("[src]").eachAttr("src"))
        .containsExactly("samples/step-00000040-1.png", "samples/step-00000020-1.mp4");
    assertThat(page().expectFirst(".big").text()).isEqualTo("finished: step 40 of 200000");
    // A point for each of the 40 steps.
    assertThat(page().select("polyline").get(5).attr("points").strip().split(" ")).hasSize(40);
  }
}
