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

/** What a user is told whose job does not fit its data. */
final class JobMessagesTest {
  @TempDir private static Path folder;

  @BeforeAll
  static void makeCheckpointAndClips() throws IOException {
    assertThat(Invocation.of("new-checkpoint", "wan-tiny", folder.resolve("model")).exitCode())
        .isZero();
    Files.createDirectory(folder.resolve("clips"));
    for (int i = 0; i < 3; i++) {
      float[] data = new float[3 * 10 * 32 * 32];
      for (int j = 0; j < data.length; j++) {
        data[j] = (float) Math.sin(0.01 * j * (i + 1));
      }
      VideoWriter.write(folder.resolve("clips/" + i + ".mp4"), new VideoClip(data, 10, 32, 32, 8));
      Files.writeString(folder.resolve("clips/" + i + ".txt"), "waves, number " + i);
    }
  }

  private static Path job(String name, String data, String more) throws IOException {
    Path file = folder.resolve(name + ".yaml");
    Files.writeString(
        file,
        """
        model: {path: model}
        data: {%s, sizes: [32x32x9], fps: 8}
        stages: {count: 1}
        train: {steps: 2}
        lora: {rank: 2, dropout: 0.25}
        output: {folder: out-%s, save_every: 1}
        %s
        """
            .formatted(data, name, more));
    return file;
  }

  private static Invocation train(Path job, String... more) {
    var words = new Object[2 + more.length];
    words[0] = "train";
    words[1] = job;
    System.arraycopy(more, 0, words, 2, more.length);
    return Invocation.of(words);
  }

  @Test
  void dryRun_countsWhatIsHeldOut_asTrainingDoes() throws IOException {
    Path job = job("held", "path: clips, validation: 0.4", "");
    var dry = train(job, "--dry-run");
    assertThat(dry.exitCode()).as(dry.err()).isZero();
    assertThat(dry.out())
        .contains(
            "held out to measure the loss on (data.validation), no part of an epoch: 2 clips");
    var run = train(job);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(Files.readString(folder.resolve("out-held/data_manifest.jsonl")).split("\n"))
        .filteredOn(line -> line.contains("\"use\":\"validation\""))
        .hasSize(2);
  }

  @Test
  void dryRun_refusesToHoldOutEverything() throws IOException {
    Path job = job("all", "path: clips, validation: 0.99", "");
    var dry = train(job, "--dry-run");
    assertThat(dry.exitCode()).isEqualTo(2);
    assertThat(dry.err())
        .contains("all.yaml: data.validation: holding out 3 of 3 videos leaves none to train on");
  }

  @Test
  void whatIsNotThere_isNamedWithTheJobAndTheKey() throws IOException {
    Path job = job("gone", "path: nowhere", "");
    for (String[] more : new String[][] {{}, {"--dry-run"}}) {
      var run = train(job, more);
      assertThat(run.exitCode()).isEqualTo(2);
      assertThat(run.err())
          .contains("gone.yaml: data.path: expected a folder of videos or pictures, or a list,")
          .contains("found nothing at " + folder.resolve("nowhere"));
    }
    assertThat(train(job("one", "sets: [{path: clips}, {path: nowhere}]", "")).err())
        .contains("one.yaml: data.sets: expected a folder of videos or pictures, or a list,");
    assertThat(train(job("texts", "path: clips", "sample: {file: none.txt}")).err())
        .contains(
            "texts.yaml: sample.file: expected a text of prompts, found nothing at "
                + folder.resolve("none.txt"));
  }

  @Test
  void resumedRun_namesTheClipsThatAreNotAsTheyWere() throws IOException {
    Path clips = Files.createDirectory(folder.resolve("changing"));
    for (int i = 0; i < 3; i++) {
      Files.copy(folder.resolve("clips/" + i + ".mp4"), clips.resolve(i + ".mp4"));
      Files.writeString(clips.resolve(i + ".txt"), "number " + i);
    }
    Path job = job("changed", "path: changing", "");
    assertThat(train(job).exitCode()).isZero();
    Path manifest = folder.resolve("out-changed/data_manifest.jsonl");
    String before = Files.readString(manifest);
    Files.writeString(clips.resolve("0.txt"), "another caption");
    Files.move(clips.resolve("1.mp4"), clips.resolve("9.mp4"));
    Files.move(clips.resolve("1.txt"), clips.resolve("9.txt"));
    var resumed = train(job, "--resume");
    assertThat(resumed.exitCode()).isEqualTo(2);
    assertThat(resumed.err())
        .contains(
            "cannot go on with other data: 1 clips new: 9.mp4; 1 clips gone: 1.mp4;"
                + " 1 clips changed: 0.mp4 (caption); restore it or start in another output folder");
    assertThat(Files.readString(manifest)).isEqualTo(before);
  }

  @Test
  void generate_writesOneFrameAsAPicture() throws IOException {
    Path picture = folder.resolve("x.png");
    var one = generate(1, picture);
    assertThat(one.exitCode()).as(one.err()).isZero();
    var read = javax.imageio.ImageIO.read(picture.toFile());
    assertThat(read.getWidth()).isEqualTo(32);
    assertThat(read.getHeight()).isEqualTo(32);
    assertThat(generate(9, folder.resolve("y.png")).err())
        .contains("--out: a .png is of one frame, and the video has 9; say --frames 1");
    assertThat(generate(1, folder.resolve("y.gif")).err())
        .contains("--out: expected a name ending in .mp4, or in .png for one frame, found");
    assertThat(generate(1, picture, "--sheet").err()).contains("--sheet: goes with an .mp4");
  }

  private static Invocation generate(int frames, Path out, Object... more) {
    var words =
        new java.util.ArrayList<Object>(
            java.util.List.of(
                "generate",
                folder.resolve("model"),
                "--prompt",
                "waves",
                "--size",
                "32x32",
                "--frames",
                frames,
                "--steps",
                2,
                "-o",
                out));
    words.addAll(java.util.List.of(more));
    return Invocation.of(words.toArray());
  }
}
