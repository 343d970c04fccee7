package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataCommandTest {
  @TempDir private Path folder;

  @Test
  void shapes_areDrawnOnce_andListedWithHashes() throws IOException {
    Path set = folder.resolve("set");
    var first = shapes(set, "--clips", "3");
    assertThat(first.exitCode()).as(first.err()).isZero();
    assertThat(first.out()).contains("3 clips, 3 of them new");
    assertThat(shapes(set, "--clips", "3").out()).contains("3 clips, 0 of them new");
    var other = shapes(set, "--clips", "4");
    assertThat(other.exitCode()).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(other.err()).contains("shapes.json: expected clips of");

    Path list = folder.resolve("list.jsonl");
    var listed = Invocation.of("data", "folder", set, "-o", list, "--most", "2");
    assertThat(listed.exitCode()).as(listed.err()).isZero();
    assertThat(Files.readAllLines(list)).hasSize(2).allMatch(line -> line.contains("\"sha256\""));
    assertThat(listed.out()).contains("clips: expected at most 2");
  }

  private static Invocation shapes(Path set, String... more) {
    var words = new ArrayList<Object>(List.of("data", "shapes", set));
    words.addAll(List.of("--frames", "4"));
    words.addAll(List.of(more));
    return Invocation.of(words.toArray());
  }

  @Test
  void openVid_takesRangesOfScores() throws IOException {
    Files.writeString(folder.resolve("a.mp4"), "a");
    Files.writeString(folder.resolve("b.mp4"), "b");
    Path csv = folder.resolve("openvid.csv");
    Files.writeString(
        csv,
        """
        video,caption,aesthetic score,motion score,temporal consistency score,camera motion,frame,fps,seconds
        a.mp4,An a,5.25,3.5,0.98,static,120,24.0,5.0
        b.mp4,A b,4.75,3.5,0.98,static,120,24.0,5.0
        """);
    Path list = folder.resolve("list.jsonl");
    var run =
        Invocation.of("data", "openvid", csv, "--videos", folder, "--aesthetic", "5", "-o", list);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("aesthetic score: expected 5.0..");
    assertThat(Files.readAllLines(list)).singleElement().asString().contains("\"An a\"");
    var wrong =
        Invocation.of("data", "openvid", csv, "--videos", folder, "--fps", "fast", "-o", list);
    assertThat(wrong.exitCode()).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(wrong.err()).contains("expected a range such as 5");
  }
}
