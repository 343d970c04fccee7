package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NewJobCommandTest {
  /** A key that is left out, with its default. */
  private static final Pattern LEFT = Pattern.compile("(?m)^  #(\\w+:)");

  @TempDir private Path folder;

  private Path checkpoint(String template) {
    Path model = folder.resolve(template);
    assertThat(Invocation.of("new-checkpoint", template, model, "--dtype", "F32").exitCode())
        .isZero();
    return model;
  }

  private void clip(String name, String caption, VideoClip clip) throws IOException {
    Path clips = Files.createDirectories(folder.resolve("clips"));
    VideoWriter.write(clips.resolve(name + ".mp4"), clip);
    Files.writeString(clips.resolve(name + ".txt"), caption);
  }

  private static VideoClip grey(int frames, int height, int width) {
    return new VideoClip(new float[3 * frames * height * width], frames, height, width, 16);
  }

  private Invocation newJob(Path model) {
    return Invocation.of(
        "new-job", model, folder.resolve("clips"), "-o", folder.resolve("job.yaml"));
  }

  private TrainingJob job() {
    return TrainingJob.read(folder.resolve("job.yaml"));
  }

  @Test
  void job_ofATinyCheckpoint_isReadyToTrain() throws Exception {
    for (int i = 0; i < 3; i++) {
      clip("clip" + i, "a \"red\" ball: rolls # right \\ up", grey(40, 64, 64));
    }
    var run = newJob(checkpoint("wan-tiny"));
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("3 of 3 videos as [64x64x33] at 16 fps, 3 stages", "--dry-run");
    assertThat(job().sample().prompts()).containsExactly("a \"red\" ball: rolls # right \\ up");
    var dry = Invocation.of("train", folder.resolve("job.yaml"), "--dry-run", "--device", "cpu");
    assertThat(dry.exitCode()).as(dry.err()).isZero();
    assertThat(dry.out()).contains("3 clips of 3 of 3 videos");
  }

  @Test
  void keysThatAreLeftOut_showTheirDefaults() throws Exception {
    clip("clip", "a ball", grey(40, 64, 64));
    assertThat(newJob(checkpoint("wan-tiny")).exitCode()).isZero();
    TrainingJob written = job();
    String text = Files.readString(folder.resolve("job.yaml"));
    assertThat(LEFT.matcher(text).results().count()).isGreaterThan(8);
    Files.writeString(folder.resolve("job.yaml"), LEFT.matcher(text).replaceAll("  $1"));
    assertThat(job()).isEqualTo(written);
  }

  @Test
  void clips_followTheVideos_inLengthAndShape() throws Exception {
    for (int i = 0; i < 4; i++) {
      clip("broad" + i, "a ball", grey(20, 48, 90));
      clip("tall" + i, "a ball", grey(30, 200, 96));
    }
    Files.writeString(folder.resolve("clips/damaged.mp4"), "no video");
    Files.writeString(folder.resolve("clips/damaged.txt"), "a ball");
    var run = newJob(checkpoint("wan-tiny"));
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("8 of 9 videos");
    // 20 frames hold 17, which are 5 latent frames: 3 stages. No side longer than the videos'.
    assertThat(job().data().sizes())
        .containsExactly(new ClipSize(80, 48, 17), new ClipSize(48, 96, 17));
    assertThat(job().stages().rates()).isEqualTo(GridFactor.ofTimes(2, 2));
  }

  @Test
  void videosTooShortForThreeStages_haveFewer() throws Exception {
    clip("short", "a ball", grey(12, 64, 64));
    assertThat(newJob(checkpoint("wan-tiny")).exitCode()).isZero();
    assertThat(job().data().sizes()).containsExactly(new ClipSize(64, 64, 9));
    assertThat(job().stages().rates()).isEqualTo(GridFactor.ofTimes(2));
  }

  @Test
  void partsElsewhere_areInTheJob() throws Exception {
    Path model = checkpoint("animatediff-tiny");
    Path motion = Files.move(model.resolve("motion_adapter"), folder.resolve("motion"));
    clip("clip", "a ball", grey(40, 64, 64));
    var run =
        Invocation.of(
            "new-job",
            model,
            folder.resolve("clips"),
            "-o",
            folder.resolve("job.yaml"),
            "--part",
            "motion_adapter=" + motion,
            "--set",
            "norm_convention=original");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(job().model().request().parts()).containsEntry("motion_adapter", motion);
    assertThat(job().model().request().settings()).containsEntry("norm_convention", "original");
    assertThat(job().data().sizes()).containsExactly(new ClipSize(64, 64, 16));
  }

  @Test
  void videosWithoutCaptions_areOneLineThatNamesTheFirst() throws Exception {
    clip("clip", "a ball", grey(40, 64, 64));
    Files.delete(folder.resolve("clips/clip.txt"));
    var run = newJob(checkpoint("wan-tiny"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("clip.mp4", "caption").hasLineCount(1);
    assertThat(folder.resolve("job.yaml")).doesNotExist();
  }

  @Test
  void aJobThatIsThere_isLeftAlone() throws Exception {
    Path job = Files.writeString(folder.resolve("job.yaml"), "mine");
    assertThat(newJob(folder).exitCode()).isEqualTo(2);
    assertThat(job).hasContent("mine");
  }
}
