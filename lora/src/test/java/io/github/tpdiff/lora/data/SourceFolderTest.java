package io.github.tpdiff.lora.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class SourceFolderTest {
  @TempDir private Path folder = Path.of("");
  private Path data = Path.of("");

  @BeforeEach
  void makeFolder() throws IOException {
    data = Files.createDirectories(folder.resolve("data"));
    clip(data, "a");
  }

  private static void clip(Path folder, String name) throws IOException {
    Files.createFile(folder.resolve(name + ".mp4"));
    Files.writeString(folder.resolve(name + ".txt"), "\uFEFFshows " + name + "\n");
  }

  private List<String> captions(Path source) {
    return SourceList.read(source).videos().stream().map(v -> v.caption().orElse("")).toList();
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void links_areFollowed_toFoldersAndFiles() throws IOException {
    Path other = Files.createDirectories(folder.resolve("other/deep"));
    clip(other, "b");
    clip(folder, "c");
    Files.createSymbolicLink(data.resolve("more"), folder.resolve("other"));
    Files.createSymbolicLink(data.resolve("z.mp4"), folder.resolve("c.mp4"));
    Files.createSymbolicLink(data.resolve("z.txt"), folder.resolve("c.txt"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), data);
    assertThat(captions(link)).containsExactly("shows a", "shows b", "shows c");
    assertThat(SourceList.read(link).notes())
        .containsExactly("found 6 files: 3 videos, 3 captions");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void linksInACircle_end_andAreSaid() throws IOException {
    Path inner = Files.createDirectory(data.resolve("inner"));
    Files.createSymbolicLink(inner.resolve("up"), data);
    Files.createSymbolicLink(inner.resolve("self"), inner);
    Files.createSymbolicLink(inner.resolve("gone"), folder.resolve("nowhere"));
    SourceList list = SourceList.read(data);
    assertThat(list.videos()).hasSize(1);
    assertThat(list.notes())
        .containsExactly(
            "found 3 files: 1 videos, 1 captions, 1 passed over",
            "passed over, links that lead to nothing: 1",
            "passed over, links to folders that are read already: 2");
  }

  /** Thirty folders, each with two links to the next: a thousand million ways to the last. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void linksBesideEachOther_doNotMultiply() throws IOException {
    for (int i = 0; i < 30; i++) {
      Path level = Files.createDirectories(folder.resolve("levels/" + i));
      Files.createSymbolicLink(level.resolve("l"), folder.resolve("levels/" + (i + 1)));
      Files.createSymbolicLink(level.resolve("r"), folder.resolve("levels/" + (i + 1)));
    }
    clip(Files.createDirectories(folder.resolve("levels/30")), "deep");
    Files.createSymbolicLink(data.resolve("levels"), folder.resolve("levels/0"));
    assertThat(captions(data)).containsExactly("shows a", "shows deep");
  }

  @Test
  void otherFiles_areCounted_andCaptionsWithoutAVideo() throws IOException {
    for (String name : List.of("1.svg", "2.SVG", "3.tif", "list.csv", "README", "lone.txt")) {
      Files.createFile(data.resolve(name));
    }
    assertThat(SourceList.read(data).notes())
        .containsExactly(
            "found 8 files: 1 videos, 1 captions, 6 passed over",
            "passed over, neither video, picture nor caption: 2 .svg, 1 without ending, 1 .csv, 1"
                + " .tif; a list is read where data.path names it, or as metadata.csv or .jsonl",
            "passed over, captions without a video or picture: 1, such as lone.txt");
    for (int i = 0; i < 20; i++) {
      Files.createFile(data.resolve("x.kind" + i));
    }
    assertThat(SourceList.read(data).notes().get(1)).hasSizeLessThan(250).contains("16 others");
  }

  @Test
  void folderWithoutVideos_saysWhatItHas() throws IOException {
    Path drawings = Files.createDirectory(folder.resolve("drawings"));
    Files.createFile(drawings.resolve("1.svg"));
    assertThatThrownBy(() -> SourceList.read(drawings))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected videos (")
        .hasMessageEndingWith("passed over, neither video, picture nor caption: 1 .svg");
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertThatThrownBy(() -> SourceList.read(empty))
        .hasMessageEndingWith("found none; found 0 files");
  }

  @Test
  void captionsThatAreNoText_areNone() throws IOException {
    for (String name : List.of("empty", "latin", "wide", "long")) {
      clip(data, name);
    }
    Files.writeString(data.resolve("empty.txt"), "\uFEFF \n");
    Files.write(data.resolve("latin.txt"), "caf\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    Files.write(data.resolve("wide.txt"), "tea".getBytes(StandardCharsets.UTF_16));
    Files.writeString(data.resolve("long.txt"), "x".repeat((1 << 20) + 1));
    assertThat(SourceList.read(data).videos())
        .extracting(SourceVideo::caption)
        .containsExactly(
            Optional.of("shows a"),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());
  }
}
