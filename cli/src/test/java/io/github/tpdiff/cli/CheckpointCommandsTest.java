package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.primitives.Bytes;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.FirstFrame;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.Samplers;
import io.github.tpdiff.runtime.diffusion.SpaceResampling;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageConfig.Ends;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
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
        .anyMatch(line -> line.contains("transformer, stage 2 of 5 frames"));
  }

  @Test
  void export_ofEachComponentAtItsPrecision_isCheckedSo_andRuns() throws Exception {
    Path exported = folder.resolve("exported");
    var run =
        Invocation.of(
            "export", tiny(), exported, "--check", "--precision", "transformer=int8,vae=bf16");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out().lines().filter(line -> line.startsWith("ok")))
        .anyMatch(line -> line.matches("ok +text_encoder +keep .*"))
        .anyMatch(line -> line.matches("ok +transformer, stage 1 .* int8 .*"))
        .anyMatch(line -> line.matches("ok +vae_decoder +bf16 .*"));
    assertThat(Files.readString(exported.resolve("tpdiff_check.json")))
        .contains("\"component\": \"transformer\"", "\"precision\": \"int8\"", "\"max_error\": ");
    Path video = folder.resolve("a.mp4");
    var made = Invocation.of("run", exported, "--prompt", "a", "--size", "32x32", "-o", video);
    assertThat(made.exitCode()).as(made.err()).isZero();
    assertThat(video).isNotEmptyFile();
  }

  @Test
  void export_atAPrecisionThatThereIsNot_namesThose() {
    var run = Invocation.of("export", tiny(), folder.resolve("o"), "--precision", "vae=f16");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err())
        .contains("--precision", "expected one of keep, fp32, bf16, fp16, int8, fp8, found 'f16'");
    var other =
        Invocation.of(
            "export", folder.resolve("tiny"), folder.resolve("o"), "--precision", "unet=fp16");
    assertThat(other.exitCode()).isEqualTo(2);
    assertThat(other.err()).contains("transformer, vae_decoder", "found 'unet'");
    assertThat(folder.resolve("o")).doesNotExist();
  }

  private Path tiny() {
    Path model = folder.resolve("tiny");
    assertThat(Invocation.of("new-checkpoint", "wan-tiny", model).exitCode()).isZero();
    return model;
  }

  private Invocation generate(Path model, Object... more) {
    var words =
        new ArrayList<Object>(
            List.of("generate", model, "--prompt", "a ball", "--size", "32x32", "--frames", 17));
    words.addAll(List.of("--steps", 6, "--guidance", 1));
    words.addAll(List.of(more));
    return Invocation.of(words.toArray());
  }

  @Test
  void generate_ofARequestFile_isWhatTheOptionsSay() throws Exception {
    Path model = tiny();
    Path request = folder.resolve("request.json");
    Files.writeString(
        request,
        """
        {"prompt": "a ball", "seed": 4, "video": {"width": 32, "height": 32, "frames": 17},
         "sampling": {"steps": 6, "guidance": [1], "stages": {"count": 3}}}
        """);
    Path asked = folder.resolve("asked.mp4");
    Path said = folder.resolve("said.mp4");
    var run = Invocation.of("generate", model, "--request", request, "--seed", 5, "-o", asked);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(generate(model, "--stages", 3, "--seed", 5, "-o", said).exitCode()).isZero();
    assertThat(asked).hasSameBinaryContentAs(said);
    Files.writeString(request, "{\"prompt\": \"a ball\", \"sampling\": {\"stepz\": 6}}");
    var misspelt = Invocation.of("generate", model, "--request", request, "-o", asked);
    assertThat(misspelt.exitCode()).isEqualTo(2);
    assertThat(misspelt.err()).contains("request.json", "sampling.stepz", "steps");
    assertThat(Invocation.of("generate", model, "-o", asked).err())
        .contains("--prompt: expected what the video shows");
  }

  @Test
  void generate_withoutADecoder_failsBeforeTheFirstStep() throws Exception {
    Path model = tiny();
    Files.delete(model.resolve("vae/config.json"));
    Files.delete(model.resolve("vae/diffusion_pytorch_model.safetensors"));
    Files.delete(model.resolve("vae"));
    var run = generate(model, "-o", folder.resolve("a.mp4"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains(model.toString(), "found no vae decoder");
    assertThat(run.err().lines()).hasSize(1);
  }

  @Test
  void generate_toWhereNothingCanBeWritten_failsBeforeTheFirstStep() throws Exception {
    Path model = tiny();
    Path file = Files.writeString(folder.resolve("file"), "");
    var run = generate(model, "-o", file.resolve("a.mp4"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains(file.toString(), "expected a folder");
    assertThat(run.err().lines()).hasSize(1);
  }

  @Test
  void generate_withADamagedConfiguration_namesTheFile() throws Exception {
    Path model = tiny();
    Path config = model.resolve("transformer/config.json");
    Files.writeString(config, Files.readString(config).substring(0, 60));
    var run = generate(model, "-o", folder.resolve("a.mp4"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains(config + ": expected JSON");
  }

  @Test
  void generate_withAnotherFamilysFolder_saysWhatItIs() throws Exception {
    Files.writeString(
        folder.resolve("model_index.json"), "{\"_class_name\": \"HunyuanVideoPipeline\"}");
    assertThat(generate(folder).err()).contains("wan", "HunyuanVideoPipeline");
  }

  /** Euler's method and ancestral sampling under their two names each; the others differ. */
  @Test
  void generate_takesTheSamplerByName() throws Exception {
    Path model = tiny();
    var bytes = new HashMap<String, List<Byte>>();
    for (String sampler : Samplers.names()) {
      Path video = folder.resolve(sampler + ".mp4");
      var run = generate(model, "--sampler", sampler, "--stages", 3, "-o", video);
      assertThat(run.exitCode()).as(run.err()).isZero();
      bytes.put(sampler, Bytes.asList(Files.readAllBytes(video)));
    }
    assertThat(bytes.get("ddim")).isEqualTo(bytes.get("euler"));
    assertThat(bytes.get("ddpm")).isEqualTo(bytes.get("euler-ancestral"));
    assertThat(bytes.values().stream().distinct()).hasSize(6);
    var unknown = generate(model, "--sampler", "lms");
    assertThat(unknown.exitCode()).isEqualTo(2);
    assertThat(unknown.err()).contains("--sampler", "dpm-sde", "found 'lms'");
  }

  /** Everything of a plan that scales or times a prediction, each away from its default. */
  private static final StageConfig TRAINED =
      new StageConfig(
          GridFactor.ofTimes(2, 2),
          List.of(0.7, 0.4),
          List.of(),
          new FrameResampling(Downsampling.MEAN, Upsampling.LINEAR, FirstFrame.SHARED),
          new SpaceResampling(Downsampling.STRIDE, Upsampling.LINEAR),
          Targets.PIXEL,
          PositionRules.all(PositionRule.NATIVE),
          TargetScale.STAGE,
          Ends.CLEAN);

  /** Tensors as training wrote them in full: one of the model's own, and the plan. */
  private Path trained(Path model) {
    Path file = folder.resolve("trained_weights.safetensors");
    try (var transformer = Checkpoint.open(model.resolve("transformer"))) {
      var info = transformer.require("scale_shift_table");
      SafetensorsWriter.write(
          file,
          MemoryTensors.builder()
              .addFloats(info.name(), info.shape(), transformer.floats(info.name()))
              .metadata(RecordJson.STAGES_HEADER, RecordJson.STAGES.format(TRAINED))
              .build());
    }
    return file;
  }

  @Test
  void generate_withStagesBesideTrainedWeights_keepsTheirPlan() throws Exception {
    Path model = tiny();
    Path weights = trained(model);
    Path left = folder.resolve("left.mp4");
    Path counted = folder.resolve("counted.mp4");
    Path moved = folder.resolve("moved.mp4");
    assertThat(generate(model, "--weights", weights, "-o", left).exitCode()).isZero();
    var same = generate(model, "--weights", weights, "--stages", 3, "-o", counted);
    assertThat(same.exitCode()).as(same.err()).isZero();
    assertThat(same.err()).doesNotContain("not as trained");
    assertThat(counted).hasSameBinaryContentAs(left);

    var other = generate(model, "--weights", weights, "--boundaries", "0.8,0.4", "-o", moved);
    assertThat(other.exitCode()).as(other.err()).isZero();
    assertThat(other.err().lines().filter(line -> line.contains("not as trained")))
        .containsExactly("stages not as trained: boundaries [0.8, 0.4], trained with [0.7, 0.4]");
    assertThat(Files.mismatch(moved, left)).isNotEqualTo(-1);

    for (List<String> wrong : List.of(List.of("--stages", "2"), List.of("--rates", "4"))) {
      var refused =
          generate(
              model,
              "--weights",
              weights,
              wrong.get(0),
              wrong.get(1),
              "-o",
              folder.resolve("n.mp4"));
      assertThat(refused.exitCode()).isEqualTo(2);
      assertThat(refused.err()).contains("these weights were made for 3, found 2");
      assertThat(refused.err().lines()).hasSize(1);
    }
  }

  @Test
  void export_carriesThePlanOfTrainedWeightsToRun() throws Exception {
    Path model = tiny();
    Path weights = trained(model);
    Path exported = folder.resolve("exported");
    var run = Invocation.of("export", model, exported, "--weights", weights, "--stages", 3);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(RecordJson.STAGES.read(exported.resolve("scheduler/tpdiff_stages.json")))
        .isEqualTo(TRAINED);
    var refused =
        Invocation.of(
            "run", exported, "--prompt", "a", "--stages", 1, "-o", folder.resolve("a.mp4"));
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).contains("these weights were made for 3, found 1");
    assertThat(refused.err().lines()).hasSize(1);
    var other =
        Invocation.of("export", model, folder.resolve("o"), "--weights", weights, "--stages", 2);
    assertThat(other.exitCode()).isEqualTo(2);
    assertThat(folder.resolve("o")).doesNotExist();
  }

  @Test
  void inspect_ofASizeThatTheTensorsContradict_namesItAndFails() throws Exception {
    Path model = tiny();
    Path config = model.resolve("transformer/config.json");
    Files.writeString(
        config, Files.readString(config).replace("\"ffn_dim\": 256", "\"ffn_dim\": 128"));
    var run = Invocation.of("inspect", model);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err())
        .startsWith("tpdiff: " + config + ": ffn_dim: expected 256")
        .hasLineCount(1);
  }

  @ParameterizedTest
  @CsvSource({
    "unet, layers_per_block, 1000000000",
    "vae, layers_per_block, NaN",
    "motion_adapter, motion_num_attention_heads, -1"
  })
  void inspect_ofASizeThatNoNetworkHas_isWrongInput(String part, String field, String value)
      throws Exception {
    Path model = folder.resolve("tiny");
    assertThat(Invocation.of("new-checkpoint", "animatediff-tiny", model).exitCode()).isZero();
    Path config = model.resolve(part).resolve("config.json");
    var broken =
        Files.readString(config)
            .replaceFirst(
                "\"%s\"\\s*:\\s*\\d+".formatted(field), "\"%s\": %s".formatted(field, value));
    assertThat(broken).contains(value);
    Files.writeString(config, broken);
    var run = Invocation.of("inspect", model);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains(part + "/config.json", field, value).hasLineCount(1);
  }

  @Test
  void inspect_ofABaseWithoutMotionModules_saysWhatIsThereAndWhatIsNot() throws Exception {
    Path model = folder.resolve("tiny");
    assertThat(Invocation.of("new-checkpoint", "animatediff-tiny", model).exitCode()).isZero();
    Files.move(model.resolve("motion_adapter"), folder.resolve("elsewhere"));
    var run = Invocation.of("inspect", model);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("no whole model", "motion_adapter");
  }

  @Test
  void misspeltOption_isNamedEvenWhereARequiredOneIsMissing() {
    var run = Invocation.of("generate", folder, "--promt", "a ball");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("--promt", "did you mean --prompt?");
  }

  @Test
  void run_ofADamagedExport_failsBeforeTheFirstStepAsWrongInput() throws Exception {
    Path export = folder.resolve("export");
    var written = Invocation.of("export", tiny(), export, "--stages", 3);
    assertThat(written.exitCode()).as(written.err()).isZero();
    try (var weights =
        FileChannel.open(
            export.resolve("vae_decoder/weights.safetensors"), StandardOpenOption.WRITE)) {
      weights.truncate(weights.size() / 2);
    }
    var run =
        Invocation.of(
            "run",
            export,
            "--prompt",
            "a",
            "--size",
            "32x32",
            "--frames",
            17,
            "--steps",
            3,
            "-o",
            folder.resolve("a.mp4"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("vae_decoder", "export the model again");
    assertThat(run.err().lines()).hasSize(1);
    assertThat(folder.resolve("a.mp4")).doesNotExist();
  }
}
