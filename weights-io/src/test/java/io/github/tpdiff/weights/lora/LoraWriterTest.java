package io.github.tpdiff.weights.lora;

import static io.github.tpdiff.weights.lora.LoraSamples.pair;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** LoRA files as each tool expects them. */
class LoraWriterTest {
  private static final Path WAN = FileGoldens.resource("lora");
  private static final Path UNET = FileGoldens.resource("lora/animatediff");

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "DIFFUSERS, lora/pytorch_lora_weights.safetensors",
    "KOHYA, lora-musubi/lora.safetensors",
    "COMFYUI, lora-comfyui-alpha/lora.safetensors",
    "PEFT, lora-peft/adapter_model.safetensors"
  })
  void writtenFile_holdsTheTensorsOfTheTool(LoraFormat format, String reference) {
    LoraWeights weights = LoraFile.read(WAN.resolve("lora")).weights();
    Path path = folder.resolve("out.safetensors");
    assertThat(LoraWriter.write(path, weights, format, DType.F32)).isEmpty();
    Path file = format == LoraFormat.PEFT ? path.resolve("adapter_model.safetensors") : path;
    try (TensorSource written = SafetensorsFile.open(file);
        TensorSource expected = SafetensorsFile.open(WAN.resolve(reference))) {
      assertThat(written.names()).containsExactlyElementsOf(expected.names());
      for (String name : expected.names()) {
        assertThat(written.require(name)).isEqualTo(expected.require(name));
        assertThat(written.bytes(name)).isEqualTo(expected.bytes(name));
      }
    }
  }

  @Test
  void diffusersHeader_carriesPeftsConfigurationWithThePrefix() {
    LoraWeights weights =
        new LoraWeights(
            "transformer",
            Map.of("blocks.0.attn1.to_q", pair(2, 2, 3, 3), "proj_out", pair(1, 1, 1, 1)),
            Map.of());
    Path path = folder.resolve("out.safetensors");
    LoraWriter.write(path, weights, LoraFormat.DIFFUSERS, DType.BF16);
    try (TensorSource written = SafetensorsFile.open(path)) {
      assertThat(written.require("transformer.proj_out.lora_A.weight").dtype())
          .isEqualTo(DType.BF16);
      assertThat(written.metadata())
          .containsEntry("format", "pt")
          .containsEntry(
              "lora_adapter_metadata",
              """
              {
                "transformer.alpha_pattern": {
                  "blocks.0.attn1.to_q": 4
                },
                "transformer.bias": "none",
                "transformer.fan_in_fan_out": false,
                "transformer.inference_mode": false,
                "transformer.init_lora_weights": true,
                "transformer.lora_alpha": 1,
                "transformer.lora_dropout": 0.0,
                "transformer.peft_type": "LORA",
                "transformer.r": 1,
                "transformer.rank_pattern": {
                  "blocks.0.attn1.to_q": 2
                },
                "transformer.target_modules": [
                  "blocks.0.attn1.to_q",
                  "proj_out"
                ],
                "transformer.use_dora": false,
                "transformer.use_rslora": false
              }"""
                  .strip());
    }
  }

  /** The keys of musubi-tuner's own files for Wan, sd-scripts' for Stable Diffusion. */
  @Test
  void kohyaFile_saysWhatProgramsThatListLorasShow() {
    Path path = folder.resolve("ball.safetensors");
    Map<String, LoraPair> pairs = new TreeMap<>();
    pairs.put("blocks.0.attn1.to_q", LoraPair.ofAlpha(2, 8, new float[4], new float[4]));
    LoraWriter.write(
        path, new LoraWeights("transformer", pairs, Map.of()), LoraFormat.KOHYA, DType.F32);
    assertThat(LoraFile.read(path).weights().metadata())
        .containsEntry("ss_network_module", "networks.lora_wan")
        .containsEntry("ss_network_dim", "2")
        .containsEntry("ss_network_alpha", "8.0")
        .containsEntry("ss_base_model_version", "wan")
        .containsEntry("ss_output_name", "ball")
        .containsEntry("modelspec.sai_model_spec", "1.0.0")
        .containsEntry("modelspec.architecture", "wan2.1/lora")
        .containsEntry("modelspec.title", "ball");
    pairs.put("blocks.0.attn1.to_k", LoraPair.ofAlpha(1, 8, new float[2], new float[2]));
    LoraWriter.write(
        path, new LoraWeights("transformer", pairs, Map.of()), LoraFormat.KOHYA, DType.F32);
    assertThat(LoraFile.read(path).weights().metadata())
        .containsEntry("ss_network_dim", "Dynamic")
        .containsEntry("ss_network_alpha", "8.0");
    LoraWeights spatial = LoraFile.read(UNET.resolve("lora-kohya-spatial")).weights();
    LoraWriter.write(path, spatial, LoraFormat.KOHYA, DType.F32);
    assertThat(LoraFile.read(path).weights().metadata())
        .containsEntry("ss_network_module", "networks.lora")
        .containsEntry("ss_base_model_version", "sd_v1")
        .containsEntry("modelspec.architecture", "stable-diffusion-v1/lora");
  }

  @Test
  void formWithoutANameForAModule_isRefusedBeforeThereIsAnything() {
    List<String> motion = List.of("mid_block.motion_modules.0.transformer_blocks.0.attn1.to_q");
    assertThatThrownBy(
            () -> LoraWriter.requireNames("output.formats", LoraFormat.KOHYA, "unet", motion))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith("output.formats: module '" + motion.get(0) + "' has no name");
    LoraWriter.requireNames("output.formats", LoraFormat.DIFFUSERS, "unet", motion);
  }

  @Test
  void kohyaFileOfSomeLayers_comesWithACaution() {
    LoraWeights weights =
        new LoraWeights("transformer", Map.of("blocks.0.attn1.to_q", pair(1, 1, 2, 2)), Map.of());
    assertThat(LoraWriter.write(folder.resolve("k"), weights, LoraFormat.KOHYA, DType.F32))
        .containsExactly(
            "diffusers expects kohya files to hold every layer of every block; 9 are missing, such"
                + " as blocks.0.attn1.to_k");
  }

  /** No trainer of kohya's knows it: its header says nothing of a base, and the user is told. */
  @Test
  void miniFluxInKohyasForm_claimsNoBaseModelAndComesWithACaution() {
    var weights =
        new LoraWeights(
            "transformer",
            Map.of(
                "transformer_blocks.0.attn.to_q", pair(2, 1, 3, 3), "proj_out", pair(1, 1, 2, 2)),
            Map.of());
    Path path = folder.resolve("flux.safetensors");
    assertThat(LoraWriter.write(path, weights, LoraFormat.KOHYA, DType.F32))
        .containsExactly(
            "no tool of the form KOHYA is known to run miniFLUX; its layers have their published"
                + " names");
    assertThat(LoraWriter.write(path, weights, LoraFormat.DIFFUSERS, DType.F32)).isEmpty();
    LoraWriter.write(path, weights, LoraFormat.KOHYA, DType.F32);
    assertThat(LoraFile.read(path).weights().metadata())
        .containsEntry("ss_network_alpha", "Dynamic")
        .containsEntry("ss_output_name", "flux")
        .doesNotContainKeys("ss_network_module", "ss_base_model_version", "modelspec.architecture");
  }

  /** What diffusers 0.42 was seen to refuse, each with the reason it gives. */
  @Test
  void whatDiffusersRefuses_comesWithACaution() {
    assertThat(cautions(LoraFormat.KOHYA, 1, "blocks.0.attn1.to_q", "proj_out"))
        .anyMatch(line -> line.contains("with other layers; 1 are here, such as proj_out"));
    assertThat(cautions(LoraFormat.KOHYA, 1, "blocks.1.attn1.to_q"))
        .anyMatch(line -> line.contains("with other layers; 1 are here"))
        .anyMatch(line -> line.contains("10 are missing, such as blocks.0.attn1.to_k"));
    assertThat(cautions(LoraFormat.COMFYUI, 1, "blocks.7.attn1.to_q", "proj_out")).isEmpty();
    assertThat(cautions(LoraFormat.COMFYUI, 2, "blocks.7.attn1.to_q", "proj_out"))
        .containsExactly(
            "diffusers refuses an alpha outside the blocks, such as of proj_out; write the form"
                + " diffusers for it");
    assertThat(cautions(LoraFormat.COMFYUI, 1, "proj_out"))
        .containsExactly("diffusers refuses files in ComfyUI's form without a layer of a block");
    assertThat(cautions(LoraFormat.COMFYUI, 1, "blocks.0.attn2.add_k_proj"))
        .containsExactly(
            "diffusers refuses one of add_k_proj and add_v_proj without the other:"
                + " blocks.0.attn2.add_k_proj");
    assertThat(cautions(LoraFormat.DIFFUSERS, 2, "proj_out")).isEmpty();
  }

  private List<String> cautions(LoraFormat format, double scale, String... modules) {
    Map<String, LoraPair> pairs = new TreeMap<>();
    for (String module : modules) {
      pairs.put(module, pair(1, scale, 2, 2));
    }
    LoraWeights weights = new LoraWeights("transformer", pairs, Map.of());
    return LoraWriter.write(folder.resolve("c"), weights, format, DType.F32);
  }

  @Test
  void convolution_keepsItsKernel() {
    Path path = folder.resolve("conv.safetensors");
    String stem = "lora_unet_down_blocks_0_attentions_0_proj_in";
    SafetensorsWriter.write(
        path,
        MemoryTensors.builder()
            .addFloats(stem + ".lora_down.weight", List.of(2L, 3L, 1L, 1L), 1, 2, 3, 4, 5, 6)
            .addFloats(stem + ".lora_up.weight", List.of(4L, 2L, 1L, 1L), 1, 2, 3, 4, 5, 6, 7, 8)
            .addFloats(stem + ".alpha", List.of(), 1)
            .build());
    Path copy = folder.resolve("copy.safetensors");
    LoraWriter.write(copy, LoraFile.read(path).weights(), LoraFormat.KOHYA, DType.F32);
    try (TensorSource before = SafetensorsFile.open(path);
        TensorSource after = SafetensorsFile.open(copy)) {
      assertThat(after.names()).containsExactlyElementsOf(before.names());
      for (String name : before.names()) {
        assertThat(after.require(name)).isEqualTo(before.require(name));
        assertThat(after.bytes(name)).isEqualTo(before.bytes(name));
      }
    }
  }
}
