package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.diffusion.MagCalibration;
import io.github.tpdiff.runtime.diffusion.NoiseLevels;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.RecordJson;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The network asked less often, on the command line. */
class FewerStepsTest {
  @TempDir private Path folder;
  private Path model;

  @BeforeEach
  void write() {
    model = folder.resolve("tiny");
    assertThat(Invocation.of("new-checkpoint", "wan-tiny", model).exitCode()).isZero();
  }

  private Invocation make(String command, Object... more) {
    var words =
        new ArrayList<Object>(
            List.of(command, model, "--prompt", "a ball", "--size", "32x32", "--frames", 17));
    words.addAll(List.of(more));
    return Invocation.of(words.toArray());
  }

  /** Steps of each stage, from the table that generate prints. */
  private static List<String> steps(Invocation run) {
    assertThat(run.exitCode()).as(run.err()).isZero();
    return run.out()
        .lines()
        .dropWhile(line -> !line.startsWith("stage"))
        .skip(1)
        .takeWhile(line -> !line.startsWith("all stages"))
        .map(line -> line.strip().split(" +"))
        .map(words -> words[words.length - 3])
        .toList();
  }

  @Test
  void sigmas_areAskedInTheStageOfEach_andTheSameAsTheirTimesteps() {
    Path one = folder.resolve("one.mp4");
    Path two = folder.resolve("two.mp4");
    Object[] stages = {"--stages", 3, "--boundaries", "0.8,0.5", "--guidance", 1, "-o"};
    var sigmas = make("generate", with(stages, one, "--sigmas", "1,0.9,0.7,0.5,0.3,0.1,0"));
    assertThat(steps(sigmas)).containsExactly("2", "2", "3");
    var timesteps = make("generate", with(stages, two, "--timesteps", "1000,900/700/500,300,100"));
    assertThat(steps(timesteps)).containsExactly("2", "2", "3");
    assertThat(one).hasSameBinaryContentAs(two);
  }

  private static Object[] with(Object[] some, Object... more) {
    var all = new ArrayList<>(List.of(some));
    all.addAll(List.of(more));
    return all.toArray();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--sigmas=0.5,1|--sigmas': expected values of at least 0 that fall, found 1.0 after 0.5",
        "--sigmas=2,1|sigmas: expected at most 1.0, found 2.0",
        "--sigmas=1/0.5|sigmas: expected one list, or one for each of 1 stages, found 2 lists",
        "--stage-guidance=3,1|stage_guidance: expected 1 values, one a stage, found 2",
        "--guidance-interval=0.5|guidance_interval: expected pairs of noise levels such as 0.9,0.2",
        "--magcache=none.json|none.json: expected this file, found none"
      })
  void whatDoesNotGoTogether_isOneLine(String option, String words) {
    var run = make("generate", option, "-o", folder.resolve("a.mp4"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains(words);
  }

  @Test
  void sigmasBesideSteps_areRefused() {
    var run = make("generate", "--steps", 3, "--sigmas", "1,0.5");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err())
        .contains("sigmas: expected one of steps, sigmas and timesteps, found several");
  }

  @Test
  void calibration_isUsedAtItsOwnStepsAndNoOthers() {
    Path file = folder.resolve("mag.json");
    Path sheet = folder.resolve("mag.png");
    Object[] asked = {"--stages", 2, "--steps", 8, "--guidance", 3, "--magcache-threshold", 9};
    var calibrated = make("calibrate", with(asked, "-o", file, "--sheet", sheet));
    assertThat(calibrated.exitCode()).as(calibrated.err()).isZero();
    // A fifth of 8 steps, and the first of each stage, are computed; then 3 of 4 are left out.
    assertThat(calibrated.out())
        .contains("magcache: stage 2 of 4 steps left out 3, 4\n")
        .contains("magcache: stage 1 of 4 steps left out 2, 3, 4\n")
        .containsPattern("latents differ by [0-9.e-]+ of their norm, frames by [0-9.]+ dB PSNR");
    assertThat(sheet).isNotEmptyFile();
    MagCalibration found = RecordJson.MAGCACHE.read(file);
    assertThat(found.family()).isEqualTo("wan");
    assertThat(found.stages()).hasSize(2);
    assertThat(found.stages().get(0).unconditional()).isPresent();
    Object[] video = with(asked, "--magcache", file, "-o", folder.resolve("a.mp4"));
    assertThat(make("generate", video).out())
        .contains("magcache: stage 1 of 4 steps left out 2, 3, 4\n");
    var other = make("generate", "--stages", 2, "--steps", 6, "--magcache", file);
    assertThat(other.exitCode()).isEqualTo(2);
    assertThat(other.err()).contains("magcache: stage 2 was calibrated with 4 steps at timesteps");
    var heun = make("calibrate", "--sampler", "heun", "-o", file);
    assertThat(heun.err()).contains("magcache: expected a sampler that asks the network once");
    var interval = make("calibrate", "--guidance-interval", "0.9,0.1", "-o", file);
    assertThat(interval.err()).contains("--guidance-interval: every step is calibrated");
  }

  /** Both videos are of the same noise. */
  @Test
  void calibrationThatLeavesNothingOut_makesTheSameVideoTwice() {
    var run =
        make(
            "calibrate",
            "--stages",
            2,
            "--steps",
            4,
            "--magcache-threshold",
            0,
            "-o",
            folder.resolve("mag.json"));
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("magcache: stage 1 of 2 steps left out none\n")
        .contains("latents differ by 0.0 of their norm, frames by Infinity dB PSNR\n");
  }

  @Test
  void calibrationThatIsDamaged_namesFileAndField() throws Exception {
    Path file = folder.resolve("mag.json");
    Files.writeString(
        file,
        """
        {"version": "1.0", "family": "wan", "sampler": "unipc", "stages": [{"stage": 1,
         "timesteps": [900, 500], "conditional": {"ratios": [1], "changes": [-1]}}]}
        """);
    var run = make("generate", "--steps", 2, "--magcache", file);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err())
        .contains(file + ": changes: expected finite values of at least 0, found [-1.0]");
    assertThat(run.err().lines()).hasSize(1);
  }

  /** What is said while exporting is what run does where nothing is said. */
  @Test
  void exports_haveTheirOwnDefaults() {
    Path exported = folder.resolve("exported");
    var written =
        Invocation.of(
            "export",
            model,
            exported,
            "--stages",
            2,
            "--sigmas",
            "1,0.9/0.4",
            "--stage-guidance",
            "3,1",
            "--guidance-interval",
            "0.95,0");
    assertThat(written.exitCode()).as(written.err()).isZero();
    ModelDescription.Defaults defaults =
        RecordJson.PIPELINE.read(exported.resolve(RecordJson.PIPELINE_FILE)).defaults();
    assertThat(defaults.sigmas()).isEqualTo(Optional.of(NoiseLevels.parse("1,0.9/0.4")));
    assertThat(defaults.stageGuidance()).containsExactly(3.0, 1.0);
    Path open = folder.resolve("open.mp4");
    Path said = folder.resolve("said.mp4");
    model = exported;
    assertThat(steps(make("run", "-o", open))).containsExactly("2", "2");
    Object[] asked = {
      "--sigmas", "1,0.9/0.4", "--stage-guidance", "3,1", "--guidance-interval", "0.95,0"
    };
    assertThat(steps(make("run", with(asked, "-o", said)))).containsExactly("2", "2");
    assertThat(open).hasSameBinaryContentAs(said);
    Path scaled = folder.resolve("scaled.mp4");
    assertThat(steps(make("run", "--steps", 5, "--guidance", 2, "-o", scaled)))
        .containsExactly("2", "3");
  }
}
