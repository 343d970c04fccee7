package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LoraCommandTest {
  private static final String MODULE = "blocks.0.attn1.to_q";

  @TempDir private Path folder;
  private Path lora;

  @BeforeEach
  void writeLora() {
    lora = folder.resolve("lora.safetensors");
    SafetensorsWriter.write(
        lora,
        MemoryTensors.builder()
            .addFloats("transformer." + MODULE + ".lora_A.weight", List.of(1L, 2L), 1, 2)
            .addFloats("transformer." + MODULE + ".lora_B.weight", List.of(2L, 1L), 3, 5)
            .build());
  }

  /** A checkpoint of these tensors. */
  private Path base(MemoryTensors tensors) {
    Path base = folder.resolve("base.safetensors");
    SafetensorsWriter.write(base, tensors);
    return base;
  }

  /** A checkpoint of the layer that the LoRA changes. */
  private Path layer(float firstWeight, float firstBias) {
    return base(
        MemoryTensors.builder()
            .addFloats(MODULE + ".weight", List.of(2L, 2L), firstWeight, 20, 30, 40)
            .addFloats(MODULE + ".bias", List.of(2L), firstBias, 8)
            .build());
  }

  @Test
  void info_namesFormRankAndTargets() {
    var run = Invocation.of("lora", "info", lora, "--json");
    assertThat(run.exitCode()).isZero();
    assertThat(run.out().replaceAll("\\s", ""))
        .contains("\"format\":\"diffusers\"")
        .contains("\"ranks\":[1]")
        .contains("\"targets\":[\"attn1.to_q\"]")
        .contains("\"parameters\":4");
  }

  @Test
  void inspect_ofALora_saysTheSame() {
    assertThat(Invocation.of("inspect", lora).out()).contains("diffusers").contains("attn1.to_q");
  }

  @Test
  void convert_toComfyUi_keepsTheValuesUnderTheOriginalNames() {
    Path to = folder.resolve("comfy.safetensors");
    var run = Invocation.of("lora", "convert", lora, to, "--format", "comfyui");
    assertThat(run.exitCode()).as(run.err()).isZero();
    try (var written = Checkpoint.open(to)) {
      assertThat(written.floats("diffusion_model.blocks.0.self_attn.q.lora_down.weight"))
          .containsExactly(1, 2);
      assertThat(written.floats("diffusion_model.blocks.0.self_attn.q.lora_up.weight"))
          .containsExactly(3, 5);
    }
  }

  @Test
  void merge_addsBTimesA() {
    Path base = layer(10, 7);
    Path to = folder.resolve("merged.safetensors");
    var run = Invocation.of("lora", "merge", base, lora, to, "--strength", "2");
    assertThat(run.exitCode()).as(run.err()).isZero();
    try (var written = Checkpoint.open(to)) {
      assertThat(written.floats(MODULE + ".weight")).containsExactly(16, 32, 40, 60);
      assertThat(written.floats(MODULE + ".bias")).containsExactly(7, 8);
    }
  }

  @Test
  void merge_intoASmallerType_reportsTheErrorAgainstTheChange() {
    Path base = layer(256, 257);
    Path to = folder.resolve("merged.safetensors");
    var run = Invocation.of("lora", "merge", base, lora, to, "--dtype", "bf16");
    assertThat(run.exitCode()).as(run.err()).isZero();
    // 256 + 3 lies between 258 and 260; the change is [3, 6, 5, 10].
    assertThat(run.out())
        .contains("merged: rounding error at most 1.00,")
        .contains("; 0.0767 of the LoRA's change")
        .contains("the other tensors: rounding error at most 1.00,");
    try (var written = Checkpoint.open(to)) {
      assertThat(written.floats(MODULE + ".weight")).containsExactly(260, 26, 35, 50);
      assertThat(written.floats(MODULE + ".bias")).containsExactly(256, 8);
    }
  }

  @Test
  void merge_intoAPackedCheckpointOfTheAuthors_findsTheLayers() {
    Path base =
        base(
            MemoryTensors.builder()
                .addFloats(
                    "model.diffusion_model.blocks.0.self_attn.q.weight",
                    List.of(2L, 2L),
                    1,
                    2,
                    3,
                    4)
                .build());
    Path to = folder.resolve("merged.safetensors");
    var run = Invocation.of("lora", "merge", base, lora, to);
    assertThat(run.exitCode()).as(run.err()).isZero();
    try (var written = Checkpoint.open(to)) {
      assertThat(written.floats("model.diffusion_model.blocks.0.self_attn.q.weight"))
          .containsExactly(4, 8, 8, 14);
    }
  }

  @Test
  void extract_ofWhatWasMerged_givesTheLoraBack() {
    Path base = layer(10, 7);
    Path merged = folder.resolve("merged.safetensors");
    Invocation.of("lora", "merge", base, lora, merged);
    Path to = folder.resolve("extracted.safetensors");
    var run = Invocation.of("lora", "extract", base, merged, to, "--rank", "1");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("1 modules; ");
    Path again = folder.resolve("again.safetensors");
    assertThat(Invocation.of("lora", "merge", base, to, again).exitCode()).isZero();
    try (var before = Checkpoint.open(merged);
        var after = Checkpoint.open(again)) {
      float[] expected = before.floats(MODULE + ".weight");
      float[] found = after.floats(MODULE + ".weight");
      for (int i = 0; i < expected.length; i++) {
        assertThat((double) found[i]).isCloseTo(expected[i], within(1e-5));
      }
    }
  }

  @Test
  void extract_ofEqualCheckpoints_isRefused() {
    Path base = base(MemoryTensors.builder().addFloats("a.weight", List.of(1L, 1L), 1).build());
    var run = Invocation.of("lora", "extract", base, base, folder.resolve("x.safetensors"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("expected linear layers that differ, found none");
    assertThat(folder.resolve("x.safetensors")).doesNotExist();
  }

  @Test
  void convert_keepsTheTypeUnlessAnotherIsAskedFor() {
    Path half = folder.resolve("half.safetensors");
    Invocation.of("lora", "convert", lora, half, "--format", "kohya", "--dtype", "bf16");
    Path to = folder.resolve("peft");
    var run = Invocation.of("lora", "convert", half, to, "--format", "peft");
    assertThat(run.exitCode()).as(run.err()).isZero();
    try (var written = Checkpoint.open(to.resolve("adapter_model.safetensors"))) {
      assertThat(written.require("base_model.model." + MODULE + ".lora_A.weight").dtype().name())
          .isEqualTo("BF16");
    }
  }

  @Test
  void merge_intoAnotherNetwork_namesTheTensorAndWritesNothing() {
    Path base = base(MemoryTensors.builder().addFloats("other.weight", List.of(1L), 1).build());
    Path to = folder.resolve("merged.safetensors");
    var run = Invocation.of("lora", "merge", base, lora, to);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains(MODULE + ".weight").contains(base.toString());
    assertThat(Files.exists(to)).isFalse();
  }

  @Test
  void inspect_ofTensors_countsThem() {
    Path base =
        base(
            MemoryTensors.builder()
                .addFloats("patch_embedding.weight", List.of(2L, 3L), 1, 2, 3, 4, 5, 6)
                .build());
    assertThat(Invocation.of("inspect", base, "--json").out().replaceAll("\\s", ""))
        .contains("\"tensors\":1", "\"parameters\":6", "\"bytes\":24", "\"dtypes\":{\"F32\":1}");
  }

  @ParameterizedTest
  @ValueSource(strings = {"info", "convert", "merge", "inspect"})
  void layersOfNoKnownNetwork_areRefusedOnEveryPath(String command) {
    SafetensorsWriter.write(
        lora,
        MemoryTensors.builder()
            .addFloats("some_model.layer.to_q.lora_A.weight", List.of(1L, 2L), 1, 2)
            .addFloats("some_model.layer.to_q.lora_B.weight", List.of(2L, 1L), 3, 5)
            .build());
    assertRefused(command, "tensor 'some_model.layer.to_q.lora_A.weight'");
  }

  @ParameterizedTest
  @ValueSource(strings = {"info", "convert", "merge", "inspect"})
  void notANumber_isRefusedOnEveryPath(String command) {
    SafetensorsWriter.write(
        lora,
        MemoryTensors.builder()
            .addFloats("transformer." + MODULE + ".lora_A.weight", List.of(1L, 2L), 1, Float.NaN)
            .addFloats("transformer." + MODULE + ".lora_B.weight", List.of(2L, 1L), 3, 5)
            .build());
    assertRefused(
        command,
        "tensor 'transformer." + MODULE + ".lora_A.weight': expected finite numbers, found NaN");
  }

  private void assertRefused(String command, String reason) {
    Path to = folder.resolve("to.safetensors");
    var run =
        switch (command) {
          case "info" -> Invocation.of("lora", "info", lora);
          case "convert" -> Invocation.of("lora", "convert", lora, to, "--format", "diffusers");
          case "merge" -> Invocation.of("lora", "merge", layer(1, 2), lora, to);
          default -> Invocation.of("inspect", lora);
        };
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains(lora + ": " + reason).hasLineCount(1);
    assertThat(to).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"1e38", "-1e38"})
  void mergeThatOverflows_isRefusedByTheTensorsNameAndWritesNothing(String strength) {
    Path to = folder.resolve("merged.safetensors");
    var run = Invocation.of("lora", "merge", layer(1, 2), lora, to, "--strength=" + strength);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err())
        .contains("tensor '" + MODULE + ".weight': expected a change that fp32 holds");
    assertThat(to).doesNotExist();
  }

  @Test
  void mergeIntoATypeThatDoesNotHoldTheSum_isRefusedByTheTensorsName() throws IOException {
    Path to = folder.resolve("merged.safetensors");
    var run = Invocation.of("lora", "merge", layer(65510, 2), lora, to, "--dtype", "f16");
    assertThat(run.exitCode()).as(run.out()).isZero();
    Files.delete(to);
    var over =
        Invocation.of(
            "lora", "merge", layer(65518, 2), lora, to, "--dtype", "f16", "--strength", "10");
    assertThat(over.exitCode()).isEqualTo(2);
    assertThat(over.err())
        .contains("tensor '" + MODULE + ".weight': expected values that fit F16, found 65548.0");
  }

  @Test
  void loraOverTwoNetworks_isMergedIntoEachAndTheRestIsSaid() {
    Path model = folder.resolve("model");
    Invocation.of("new-checkpoint", "animatediff-tiny", model, "--dtype", "F32");
    String spatial = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    String motion = "down_blocks.0.motion_modules.0.transformer_blocks.0.attn1.to_q";
    float[] ones = new float[32];
    java.util.Arrays.fill(ones, 1);
    MemoryTensors.Builder tensors = MemoryTensors.builder();
    for (String module : List.of(spatial, motion)) {
      tensors.addFloats("unet." + module + ".lora_A.weight", List.of(1L, 32L), ones);
      tensors.addFloats("unet." + module + ".lora_B.weight", List.of(32L, 1L), ones);
    }
    tensors.addFloats("unet." + spatial + ".diff_b", List.of(32L), ones);
    SafetensorsWriter.write(lora, tensors.build());

    Path unet = folder.resolve("unet.safetensors");
    var first = Invocation.of("lora", "merge", model.resolve("unet"), lora, unet);
    assertThat(first.exitCode()).as(first.err()).isZero();
    assertThat(first.err())
        .contains("left out 1 tensors that change nothing here, such as " + spatial + ".bias")
        .contains("left 1 changes for another network, such as of " + motion + ".weight");
    assertAddsOne(model.resolve("unet"), unet, spatial + ".weight");

    Path modules = folder.resolve("motion.safetensors");
    var second = Invocation.of("lora", "merge", model.resolve("motion_adapter"), lora, modules);
    assertThat(second.exitCode()).as(second.err()).isZero();
    assertThat(second.err()).contains("left 2 changes for another network");
    assertAddsOne(model.resolve("motion_adapter"), modules, motion + ".weight");

    // A deeper network's layer is missing, not another network's.
    var wrong = MemoryTensors.builder();
    wrong.addFloats(
        "unet." + motion.replace("_blocks.0.motion", "_blocks.3.motion") + ".diff", List.of(1L), 1);
    wrong.addFloats("unet." + motion + ".diff_b", List.of(32L), ones);
    SafetensorsWriter.write(lora, wrong.build());
    var refused = Invocation.of("lora", "merge", model.resolve("motion_adapter"), lora, modules);
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).contains("give the network it is for");
  }

  private static void assertAddsOne(Path before, Path after, String tensor) {
    try (var base = Checkpoint.open(before);
        var merged = Checkpoint.open(after)) {
      for (String name : base.names()) {
        float[] from = base.floats(name);
        float[] to = merged.floats(name);
        for (int i = 0; i < from.length; i++) {
          float expected = name.equals(tensor) ? from[i] + 1 : from[i];
          assertThat(to[i]).as(name).isEqualTo(expected);
        }
      }
    }
  }

  /** The layers of SD 1.5 have no bias on their queries; a text encoder is not changed. */
  @Test
  void whatGenerateAndExportLeaveOut_isSaidInOneLine() {
    Path model = folder.resolve("model");
    Invocation.of("new-checkpoint", "animatediff-tiny", model, "--dtype", "F32");
    String query = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    SafetensorsWriter.write(
        lora,
        MemoryTensors.builder()
            .addFloats(query + ".diff_b", List.of(32L), new float[32])
            .addFloats("unet.conv_norm_out.diff", List.of(32L), new float[32])
            .addFloats("lora_te_text_model_final_layer_norm.diff", List.of(1L), 1)
            .build());
    var run = Invocation.of("export", model, folder.resolve("out"), "--lora", lora);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err().lines().filter(line -> line.contains("left out")))
        .containsExactly(
            "tpdiff: %s: left out 2 tensors that change nothing here, such as %s"
                .formatted(lora, "lora_te_text_model_final_layer_norm.diff"));
  }
}
