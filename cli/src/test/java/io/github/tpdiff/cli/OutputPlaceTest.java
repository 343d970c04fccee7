package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where the result cannot be written, nothing is computed first. */
final class OutputPlaceTest {
  @TempDir private static Path folder;

  @BeforeAll
  static void makeInputs() throws IOException {
    Invocation.of("new-checkpoint", "wan-tiny", folder.resolve("model"), "--dtype", "F32");
    Files.createFile(folder.resolve("taken"));
    Files.createDirectories(folder.resolve("full.mp4"));
    Files.writeString(folder.resolve("full.mp4/file"), "x");
    Files.createDirectories(folder.resolve("clips"));
    VideoWriter.write(
        folder.resolve("clips/a.mp4"), new VideoClip(new float[3 * 17 * 64 * 64], 17, 64, 64, 16));
    Files.writeString(folder.resolve("clips/a.txt"), "nothing");
  }

  /** Each names the place, and says nothing of an engine or a clip. */
  @ParameterizedTest
  @CsvSource({
    "generate DIR/model --prompt x -o DIR/taken/a.mp4",
    "generate DIR/model --prompt x -o DIR/full.mp4",
    "run DIR/model --prompt x -o DIR/taken/a.mp4",
    "export DIR/model DIR/full.mp4",
    "export DIR/model DIR/taken",
    "export DIR/model DIR/taken/x",
    "convert DIR/model DIR/taken/x --to original",
    "convert DIR/model DIR/taken --to original",
    "new-checkpoint wan-1.3b DIR/taken/x",
    "new-checkpoint wan-1.3b DIR/full.mp4",
    "lora convert DIR/none DIR/taken/x --format peft",
    "lora convert DIR/none DIR/full.mp4 --format kohya",
    "lora merge DIR/model DIR/none DIR/taken/x.safetensors",
    "lora extract DIR/model DIR/model DIR/taken/x.safetensors",
    "demo --out DIR/taken",
    "demo --out DIR/full.mp4",
    "demo --out DIR/taken/x",
  })
  void placeThatCannotBeWritten_isFoundFirst(String line) {
    String[] words = line.replace("DIR", folder.toString()).split(" ", -1);
    Invocation run = Invocation.of((Object[]) words);
    assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
    assertThat(run.err()).contains(line.contains("full.mp4") ? "full.mp4" : "taken");
    assertThat(run.err().strip().lines()).hasSize(1);
    assertThat(run.out()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"taken, cache-a, train", "taken/x, cache-b, train", "out-c, taken/x, prepare"})
  void jobThatCannotBeWritten_encodesNothing(String output, String cache, String command)
      throws IOException {
    Path job = job(output, cache);
    Invocation run = Invocation.of(command, job, "--device", "cpu");
    assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
    assertThat(run.err()).contains("taken").contains("cannot be written");
    assertThat(Files.exists(folder.resolve(cache))).isFalse();
  }

  @Test
  void outputFolderOfAnEarlierRun_isFoundBeforeClipsAreEncoded() throws IOException {
    Files.createDirectories(folder.resolve("out-old/states/step-00000005"));
    Files.createFile(folder.resolve("out-old/states/step-00000005/state.safetensors"));
    Invocation run = Invocation.of("train", job("out-old", "cache-old"), "--device", "cpu");
    assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
    assertThat(run.err()).contains("earlier run");
    assertThat(folder.resolve("cache-old")).doesNotExist();
  }

  private static Path job(String output, String cache) throws IOException {
    return Files.writeString(
        folder.resolve("job.yaml"),
        """
        model: {path: model}
        data: {path: clips, cache: %s, sizes: [64x64x17], fps: 16}
        train: {steps: 1}
        output: {folder: %s}
        """
            .formatted(cache, output));
  }
}
