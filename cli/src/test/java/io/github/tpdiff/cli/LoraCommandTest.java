package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
}
