package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Jobs as a user writes them for a network with motion modules, from YAML to video. */
final class MotionTrainingTest {
  private static final Pattern LOSS = Pattern.compile("stage +loss\\R((?: +\\d  [0-9.]+\\R)+)");

  @TempDir private static Path folder;

  @BeforeAll
  static void makeCheckpointAndClips() throws IOException {
    Path whole = folder.resolve("whole");
    Invocation.of("new-checkpoint", "animatediff-tiny", whole, "--dtype", "F32");
    // As users have them: the motion modules elsewhere.
    Files.move(whole.resolve("motion_adapter"), folder.resolve("motion"));
    Files.createDirectory(folder.resolve("clips"));
    for (int i = 0; i < 3; i++) {
      float[] data = new float[3 * 16 * 32 * 32];
      int plane = 32 * 32;
      for (int j = 0; j < data.length; j++) {
        int frame = j / plane % 16;
        int colour = j / plane / 16;
        data[j] = (float) Math.sin(2 * colour + i + 0.2 * frame);
      }
      VideoWriter.write(folder.resolve("clips/" + i + ".mp4"), new VideoClip(data, 16, 32, 32, 8));
      Files.writeString(folder.resolve("clips/" + i + ".txt"), "waves, number " + i);
    }
  }

  private static Path job(String name, int steps, String trained) throws IOException {
    Path job = folder.resolve(name + ".yaml");
    Files.writeString(
        job,
        """
        model: {path: whole, parts: {motion_adapter: motion}, scheduler: ddim_original}
        data: {path: clips, sizes: [32x32x16], validation: 0.3}
        stages: {count: 3, alignment_window: 4}
        train: {steps: %d, seed: 5, learning_rate: 1e-2, validate_every: 8%s
        output: {folder: %s, save_every: 5}
        """
            .formatted(steps, trained, name));
    return job;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "modules | }\\nlora: {rank: 4}",
        "spatial | }\\nlora: {rank: 4, targets: [to_q, to_k, to_v, to_out.0]}",
        "full | , weights: ['**.motion_modules.**']}"
      })
  void job_learnsResumesBitForBitAndLoadsAgain(String kind, String trained) throws IOException {
    String section = trained.replace("\\n", "\n");
    var straight = Invocation.of("train", job(kind, 16, section), "--device", "cpu");
    assertThat(straight.exitCode()).as(straight.err()).isZero();
    List<Double> losses = losses(straight.out());
    assertThat(losses.get(losses.size() - 1)).isLessThan(losses.get(0));

    assertThat(Invocation.of("train", job(kind + "-again", 9, section)).exitCode()).isZero();
    assertThat(Invocation.of("train", job(kind + "-again", 16, section), "--resume").exitCode())
        .isZero();
    boolean full = kind.equals("full");
    String file = full ? "trained_weights.safetensors" : "pytorch_lora_weights.safetensors";
    Path trainedFile = folder.resolve(kind).resolve(file);
    assertThat(Files.mismatch(trainedFile, folder.resolve(kind + "-again").resolve(file)))
        .isEqualTo(-1);

    Path video = folder.resolve(kind + ".mp4");
    var generated =
        Invocation.of(
            "generate",
            folder.resolve("whole"),
            "--part",
            "motion_adapter=" + folder.resolve("motion"),
            full ? "--weights" : "--lora",
            trainedFile,
            "--scheduler",
            "dpm_solver",
            "--prompt",
            "waves",
            "--size",
            "32x32",
            // Longer than trained: the position table has 32 rows.
            "--frames",
            "32",
            "--steps",
            "3",
            "--out",
            video);
    assertThat(generated.exitCode()).as(generated.err()).isZero();
    assertThat(video).isNotEmptyFile();
  }

  /** The mean over the stages, at every validation. */
  private static List<Double> losses(String out) {
    return LOSS.matcher(out).results().map(found -> mean(found.group(1))).toList();
  }

  private static double mean(String stages) {
    Matcher values = Pattern.compile("\\d  ([0-9.]+)").matcher(stages);
    return values.results().mapToDouble(v -> Double.parseDouble(v.group(1))).average().orElse(0);
  }

  @Test
  void dryRun_pricesSixteenEightFour() throws IOException {
    var run = Invocation.of("train", job("dry", 4, "}"), "--dry-run", "--device", "cpu");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out().lines().filter(line -> line.startsWith("32x32x16")))
        .extracting(line -> line.split(" +", -1)[2])
        .containsExactly("4x4x4", "8x4x4", "16x4x4", "16x4x4");
  }

  @ParameterizedTest
  @CsvSource({"36, at most 32", "15, 12 and 16"})
  void framesThatDoNotFit_areRefusedInOneLine(String frames, String named) {
    var run = generate("--frames", frames, "--part", "motion_adapter=" + folder.resolve("motion"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(frames).contains(named);
  }

  @Test
  void export_keepsTheChosenScheduler() throws IOException {
    Path exported = folder.resolve("exported");
    var run =
        Invocation.of(
            "export",
            folder.resolve("whole"),
            exported,
            "--part",
            "motion_adapter=" + folder.resolve("motion"),
            "--scheduler",
            "dpm_solver");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(Files.readString(exported.resolve("scheduler/scheduler_config.json")))
        .contains("DPMSolverMultistepScheduler");
  }

  @Test
  void checkpointWithoutMotionModules_saysHowToNameThem() {
    var run = generate();
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains("motion_adapter");
  }

  @Test
  void misspeltPartAndSettingAndScheduler_nameTheNearest() {
    Path motion = folder.resolve("motion");
    var part = generate("--part", "motion_adaptor=" + motion);
    assertThat(part.exitCode()).isEqualTo(2);
    assertThat(part.err()).contains("the nearest is motion_adapter");
    String right = "motion_adapter=" + motion;
    var setting = generate("--part", right, "--set", "norm_convention=joint");
    assertThat(setting.exitCode()).isEqualTo(2);
    assertThat(setting.err()).contains("original_v1").contains("joint");
    var scheduler = generate("--part", right, "--scheduler", "euler");
    assertThat(scheduler.exitCode()).isEqualTo(2);
    assertThat(scheduler.err()).contains("ddim_original").contains("euler");
    assertThat(scheduler.err().lines()).hasSize(1);
  }

  private static Invocation generate(Object... more) {
    Object[] all = {
      "generate",
      folder.resolve("whole"),
      "--prompt",
      "waves",
      "--size",
      "32x32",
      "--stages",
      "3",
      "--out",
      folder.resolve("refused.mp4")
    };
    var words = new ArrayList<Object>(List.of(all));
    words.addAll(List.of(more));
    return Invocation.of(words.toArray());
  }
}
