package io.github.tpdiff.weights.lora;

import static io.github.tpdiff.weights.lora.LoraSamples.assertSame;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** LoRA files of every tool, read. */
class LoraFileTest {
  private static final Path WAN = FileGoldens.resource("lora");
  private static final Path UNET = FileGoldens.resource("lora/animatediff");

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "lora/pytorch_lora_weights.safetensors, DIFFUSERS, 2",
    "lora, DIFFUSERS, 2",
    "lora-no-metadata/pytorch_lora_weights.safetensors, DIFFUSERS, 1",
    "lora-musubi/lora.safetensors, KOHYA, 2",
    "lora-comfyui/lora.safetensors, COMFYUI, 1",
    "lora-comfyui-alpha/lora.safetensors, COMFYUI, 2",
    "lora-peft, PEFT, 2"
  })
  void everyForm_readsToTheSameMatrices(String path, LoraFormat format, double scale) {
    LoraFile read = LoraFile.read(WAN.resolve(path));
    assertThat(read.format()).isEqualTo(format);
    assertThat(read.ignored()).isEmpty();
    assertThat(read.weights().component()).isEqualTo("transformer");
    assertThat(read.weights().pairs()).hasSize(20);
    Path reference = WAN.resolve("lora/pytorch_lora_weights.safetensors");
    try (TensorSource tensors = SafetensorsFile.open(reference)) {
      read.weights()
          .pairs()
          .forEach(
              (module, pair) -> {
                String stem = "transformer." + module;
                assertThat(pair.scale()).isEqualTo(scale);
                assertThat(pair.rank()).isEqualTo(4);
                assertThat(pair.a()).isEqualTo(tensors.floats(stem + ".lora_A.weight"));
                assertThat(pair.b()).isEqualTo(tensors.floats(stem + ".lora_B.weight"));
              });
    }
  }

  @Test
  void layersOfMiniFlux_areReadUnderDiffusersAndUnderscoredNames() {
    Path path = folder.resolve("flux.safetensors");
    MemoryTensors.Builder tensors = MemoryTensors.builder();
    for (String stem :
        List.of(
            "transformer.transformer_blocks.3.attn.add_k_proj.lora_A",
            "transformer.single_transformer_blocks.12.proj_mlp.lora_A",
            "lora_unet_transformer_blocks_0_ff_context_net_0_proj.lora_down",
            "lora_transformer_single_transformer_blocks_1_attn_to_q.lora_down")) {
      tensors.addFloats(stem + ".weight", List.of(1L, 2L), 1, 2);
      String up = stem.replace("lora_A", "lora_B").replace("lora_down", "lora_up");
      tensors.addFloats(up + ".weight", List.of(2L, 1L), 3, 4);
    }
    SafetensorsWriter.write(path, tensors.build());
    LoraFile read = LoraFile.read(path);
    assertThat(read.ignored()).isEmpty();
    assertThat(read.weights().pairs())
        .containsOnlyKeys(
            "transformer_blocks.3.attn.add_k_proj",
            "single_transformer_blocks.12.proj_mlp",
            "transformer_blocks.0.ff_context.net.0.proj",
            "single_transformer_blocks.1.attn.to_q");
  }

  @Test
  void fileOfAPeftFolder_isReadWithTheConfigurationBesideIt() {
    LoraWeights folderRead = LoraFile.read(WAN.resolve("lora-peft")).weights();
    assertSame(
        LoraFile.read(WAN.resolve("lora-peft/adapter_model.safetensors")).weights(), folderRead);
  }

  @ParameterizedTest
  @CsvSource({"'', blocks.0.attn1.to_q", "transformer., transformer.blocks.0.attn1.to_q"})
  void headerOfAModelOrOfAPipeline_givesAlpha(String prefix, String stem) {
    Path path = folder.resolve("h.safetensors");
    SafetensorsWriter.write(
        path,
        MemoryTensors.builder()
            .addFloats(stem + ".lora_A.weight", List.of(2L, 1L), 1, 2)
            .addFloats(stem + ".lora_B.weight", List.of(1L, 2L), 3, 4)
            .metadata(
                "lora_adapter_metadata",
                "{\"text_encoder.lora_alpha\": 9, \"%sr\": 2, \"%slora_alpha\": 3}"
                    .formatted(prefix, prefix))
            .build());
    assertThat(LoraFile.read(path).weights().pairs().values())
        .allMatch(pair -> pair.scale() == 1.5);
  }

  @Test
  void peftWeightsWithoutTheirConfiguration_knowTheirScale() throws IOException {
    LoraWeights weights = LoraFile.read(WAN.resolve("lora")).weights();
    LoraWriter.write(folder, weights, LoraFormat.PEFT, DType.F32);
    Files.delete(folder.resolve("adapter_config.json"));
    assertSame(LoraFile.read(folder).weights(), weights);
  }

  @Test
  void diffsynthNames_areRead() {
    Path path = folder.resolve("d.safetensors");
    SafetensorsWriter.write(
        path,
        MemoryTensors.builder()
            .addFloats("blocks.3.cross_attn.k_img.lora_A.default.weight", List.of(1L, 2L), 1, 2)
            .addFloats("blocks.3.cross_attn.k_img.lora_B.default.weight", List.of(2L, 1L), 3, 4)
            .addFloats("blocks.3.norm3.diff_b", List.of(1L), 9)
            .build());
    LoraFile read = LoraFile.read(path);
    assertThat(read.format()).isEqualTo(LoraFormat.DIFFSYNTH);
    assertThat(read.weights().pairs()).containsOnlyKeys("blocks.3.attn2.add_k_proj");
    assertThat(read.ignored()).isEmpty();
    assertThat(read.weights().full()).containsOnlyKeys("blocks.3.norm2.bias");
  }

  @ParameterizedTest
  @CsvSource({
    "lora/pytorch_lora_weights.safetensors, DIFFUSERS, 2, unet.",
    "lora-down-up/pytorch_lora_weights.safetensors, DOWN_UP, 1, unet.",
  })
  void motionLora_readsToTheSameMatrices(
      String path, LoraFormat format, double scale, String prefix) {
    LoraFile read = LoraFile.read(UNET.resolve(path));
    assertThat(read.format()).isEqualTo(format);
    assertThat(read.weights().component()).isEqualTo("unet");
    assertThat(read.weights().pairs()).hasSize(56);
    assertThat(read.weights().pairs().values()).allMatch(pair -> pair.scale() == scale);
    try (TensorSource tensors =
        Checkpoint.open(UNET.resolve("lora/pytorch_lora_weights.safetensors"))) {
      read.weights()
          .pairs()
          .forEach(
              (module, pair) ->
                  assertThat(pair.a())
                      .isEqualTo(tensors.floats(prefix + module + ".lora_A.weight")));
    }
  }

  @Test
  void originalMotionLora_hasTheModulesOfDiffusers() {
    LoraWeights original = LoraFile.read(UNET.resolve("motion_lora.ckpt")).weights();
    LoraWeights diffusers =
        LoraFile.read(UNET.resolve("lora/pytorch_lora_weights.safetensors")).weights();
    assertThat(original.pairs().keySet()).isEqualTo(diffusers.pairs().keySet());
    assertThat(original.pairs().values()).allMatch(pair -> pair.scale() == 1);
  }

  @Test
  void domainAdapterAndKohyaFile_addressSpatialLayers() {
    LoraWeights adapter = LoraFile.read(UNET.resolve("domain_adapter.ckpt")).weights();
    LoraWeights kohya = LoraFile.read(UNET.resolve("lora-kohya-spatial")).weights();
    assertThat(adapter.pairs().keySet()).isEqualTo(kohya.pairs().keySet());
    assertThat(kohya.pairs().keySet())
        .contains("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0");
    assertThat(kohya.pairs().values()).allMatch(pair -> pair.scale() == 2);
    assertThat(kohya.component()).isEqualTo("unet");
  }

  @Test
  void filesThatHoldNoWholeLora_areRefused() {
    assertRefused("expected tensors of a LoRA", "a.weight");
    assertRefused("the LoRA's B is missing", "transformer.proj_out.lora_A.weight");
    assertRefused("belongs to a LoHa", "lora_unet_blocks_0_ffn_0.hada_w1_a");
    assertRefused("belongs to a LoCon", "lora_unet_blocks_0_ffn_0.lora_mid.weight");
    assertRefused(
        "mean the same",
        "transformer.proj_out.lora_A.weight",
        "diffusion_model.head.head.lora_A.weight");
    assertRefused(
        "expected A [r, in] and B [out, r], found [2, 3] and [2, 3]",
        "transformer.proj_out.lora_A.weight",
        "transformer.proj_out.lora_B.weight");
  }

  private void assertRefused(String reason, String... names) {
    MemoryTensors.Builder tensors = MemoryTensors.builder();
    for (String name : names) {
      tensors.addFloats(name, List.of(2L, 3L), 0, 0, 0, 0, 0, 0);
    }
    Path path = folder.resolve("bad.safetensors");
    SafetensorsWriter.write(path, tensors.build());
    assertThatThrownBy(() -> LoraFile.read(path))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(path + ": ")
        .hasMessageContaining(reason);
  }
}
