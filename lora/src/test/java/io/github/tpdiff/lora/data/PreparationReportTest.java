package io.github.tpdiff.lora.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.data.PreparedVideo.Drop;
import io.github.tpdiff.lora.data.PreparedVideo.Rule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PreparationReportTest {
  private static final List<Rule> RULES = List.of(Rule.NO_CAPTION, Rule.TOO_SHORT, Rule.UNREADABLE);

  private static PreparedVideo kept(int number, double scale, boolean cached) {
    return new PreparedVideo(
        Path.of("kept" + number + ".mp4"),
        List.of(new PreparedVideo.Clip("9 frames", scale, Optional.empty())),
        cached,
        Optional.empty(),
        Optional.of(new PreparedVideo.Content("sha" + number / 2, "latents" + number)),
        0);
  }

  /** By content, so that two files of one are held out together. */
  @Test
  void whatIsHeldOut_isNoPartOfTraining() {
    var videos = new ArrayList<PreparedVideo>();
    for (int i = 0; i < 8; i++) {
      videos.add(kept(i, 1, false));
    }
    var report = new PreparationReport(videos, List.of());
    assertThat(report.training(0)).isEqualTo(report);
    List<PreparedVideo> left = report.training(0.5).videos();
    assertThat(left).hasSize(4);
    assertThat(left.stream().map(v -> v.content().orElseThrow().sha256()).distinct()).hasSize(2);
    assertThatThrownBy(() -> report.training(0.99))
        .hasMessage(
            "data.validation: holding out 4 of 4 videos leaves none to train on; add videos or set it"
                + " to 0");
  }

  @Test
  void tenThousandClips_giveAScreenful_andAFileWithAll(@TempDir Path folder) throws IOException {
    var videos = new ArrayList<PreparedVideo>();
    for (int i = 0; i < 10_000; i++) {
      videos.add(kept(i, 1, i % 2 == 0));
      videos.add(PreparedVideo.dropped(Path.of("s" + i), new Drop(RULES.get(i % 3), "because"), 0));
    }
    var report = new PreparationReport(videos, List.of("a note"));
    List<String> table = report.table();
    assertThat(table).hasSizeLessThan(60);
    assertThat(table)
        .contains("4990 more kept", "4990 more cached", "3323 more dropped as too short", "a note")
        .endsWith(
            "10000 clips of 10000 of 20000 videos; dropped: 3334 without a caption, 3333 too short,"
                + " 3333 unreadable");
    Path list = report.writeList(folder).orElseThrow();
    assertThat(Files.readAllLines(list))
        .hasSize(20_000)
        .startsWith("cached   kept0.mp4: 9 frames", "dropped  s0: because")
        .endsWith("kept     kept9999.mp4: 9 frames", "dropped  s9999: because");
  }

  @Test
  void fewClips_areAllInTheTable_andNoFileIsWritten(@TempDir Path folder) throws IOException {
    var report = new PreparationReport(List.of(kept(0, 1, false), kept(1, 0.3, true)), List.of());
    assertThat(report.table())
        .containsExactly(
            "kept     kept0.mp4: 9 frames",
            "cached   kept1.mp4: 9 frames",
            "2 clips of 2 of 2 videos");
    assertThat(report.writeList(folder)).isEmpty();
    try (var files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void enlargedClips_areCounted_roundingIsNot() {
    var report =
        new PreparationReport(
            List.of(kept(0, 1.01, false), kept(1, 4.46, false), kept(2, 2, true)), List.of());
    assertThat(report.table())
        .contains(
            "enlarged clips: 2 of 3, at most 4.5 times; choose smaller data.sizes, or larger"
                + " videos");
  }
}
