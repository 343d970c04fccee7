package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CheckpointCommandsTest {
  @TempDir private Path folder;

  @Test
  void newCheckpoint_isWhatInspectSaysItIs() {
    Path model = folder.resolve("tiny");
    var written = Invocation.of("new-checkpoint", "wan-tiny", model, "--dtype", "bf16");
    assertThat(written.exitCode()).as(written.err()).isZero();
    assertThat(model.resolve("transformer/config.json")).exists();

    var run = Invocation.of("inspect", model, "--json");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out().replaceAll("\\s", ""))
        .contains("\"family\":\"wan\"", "\"layout\":\"diffusers\"", "\"BF16\":")
        .doesNotContain("\"missing\"");
  }

  @ParameterizedTest
  @CsvSource({"unet, sdunet", "motion_adapter, motionadapter", "vae, sdvae"})
  void partOfAModel_isInspectedByItsTensors(String part, String network) {
    Path model = folder.resolve("tiny");
    assertThat(Invocation.of("new-checkpoint", "animatediff-tiny", model).exitCode()).isZero();
    var run = Invocation.of("inspect", model.resolve(part), "--json");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out().replaceAll("\\s", ""))
        .contains("\"" + network + "\":{\"layout\":\"diffusers\"")
        .doesNotContain("\"missing\"");
  }

  @Test
  void newCheckpoint_ofAMisspeltName_namesTheNearestAndWritesNothing() {
    Path model = folder.resolve("tiny");
    var run = Invocation.of("new-checkpoint", "wan-tinny", model);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("did you mean wan-tiny?");
    assertThat(Files.exists(model)).isFalse();
  }

  @Test
  void newCheckpoint_withoutArguments_listsTheSizes() {
    assertThat(Invocation.of("new-checkpoint").out()).contains("wan-tiny", "wan-1.3b", "wan-14b");
  }

  @Test
  void generate_withFramesThatDoNotFit_namesTheNearestThatDo() {
    Path model = folder.resolve("tiny");
    Invocation.of("new-checkpoint", "wan-tiny", model);
    var run =
        Invocation.of(
            "generate",
            model,
            "--prompt",
            "a ball",
            "--size",
            "64x64",
            "--frames",
            "34",
            "--stages",
            "3",
            "--out",
            folder.resolve("a.mp4"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("34").contains("33 and 49");
    assertThat(run.err().lines()).hasSize(1);
  }

  @Test
  void generate_fromAFolderThatIsNoCheckpoint_namesTheFamilies() {
    var run = Invocation.of("generate", folder, "--prompt", "a ball");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains(folder.toString()).contains("wan");
  }

  @Test
  void train_withAMisspeltKey_namesTheNearest() throws Exception {
    Path job = folder.resolve("job.yaml");
    Files.writeString(job, "model:\n  path: tiny\ndata:\n  path: clips\ntrain:\n  stepz: 3\n");
    var run = Invocation.of("train", job);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("stepz").contains("steps").contains("job.yaml");
  }

  @Test
  void export_checked_matchesTorchInEveryStage() {
    Path model = folder.resolve("tiny");
    Path exported = folder.resolve("exported");
    Invocation.of("new-checkpoint", "wan-tiny", model);
    var run = Invocation.of("export", model, exported, "--stages", "3", "--check");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out().lines().filter(line -> line.startsWith("ok")))
        .hasSize(7)
        .anyMatch(line -> line.contains("denoiser, stage 2 of 11 frames"));
  }
}
