package io.github.tpdiff.weights.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.RoundingError;
import io.github.tpdiff.weights.TensorSink;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

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

  @ParameterizedTest
  @EnumSource(names = {"DIFFUSERS", "PEFT", "COMFYUI", "KOHYA"})
  void modulesOfDifferentRankAndAlpha_surviveEveryForm(LoraFormat format) {
    Map<String, LoraPair> pairs = new TreeMap<>();
    pairs.put("blocks.0.attn1.to_q", pair(2, 1, 3, 3));
    pairs.put("blocks.0.attn2.add_k_proj", pair(2, 1, 3, 5));
    pairs.put("blocks.10.ffn.net.0.proj", pair(3, 0.25, 7, 3));
    pairs.put("blocks.1.attn1.to_out.0", pair(2, 0.75, 3, 3));
    pairs.put("condition_embedder.time_embedder.linear_1", pair(2, 1, 2, 4));
    Map<String, String> metadata = Map.of("tpdiff.stage_plan", "{\"stages\": 3}\n", "é", "");
    LoraWeights weights = new LoraWeights("transformer", pairs, metadata);
    Path path = folder.resolve("out.safetensors");
    LoraWriter.write(path, weights, format, DType.F32);
    LoraFile read = LoraFile.read(path);
    assertThat(read.format()).isEqualTo(format);
    assertThat(own(read.weights())).isEqualTo(metadata);
    assertThat(read.weights().pairs().keySet()).isEqualTo(pairs.keySet());
    pairs.forEach(
        (module, pair) -> {
          LoraPair other = Objects.requireNonNull(read.weights().pairs().get(module));
          assertThat(other.scale()).as(module).isEqualTo(pair.scale());
          assertThat(other.rank()).isEqualTo(pair.rank());
          assertThat(other.a()).isEqualTo(pair.a());
          assertThat(other.b()).isEqualTo(pair.b());
        });
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

  /** Every file of the goldens, in every form that can hold it, and from that in every other. */
  @ParameterizedTest
  @CsvSource({
    "lora, 4",
    "lora-no-metadata, 4",
    "lora-musubi, 4",
    "lora-comfyui, 4",
    "lora-comfyui-alpha, 4",
    "lora-peft, 4",
    "animatediff/lora, 2",
    "animatediff/lora-down-up, 2",
    "animatediff/lora-kohya-spatial, 3",
    "animatediff/motion_lora.ckpt, 2",
    "animatediff/domain_adapter.ckpt, 3"
  })
  void convertedFromEveryFormToEveryOther_isTheSameInEveryBit(String path, int forms) {
    LoraFile source = LoraFile.read(WAN.resolve(path));
    List<LoraFormat> able = new ArrayList<>();
    for (LoraFormat first : LoraFormat.values()) {
      try {
        LoraFile once = written(source.weights(), first, source.dtype());
        able.add(first);
        assertThat(once.format()).isEqualTo(first);
        assertThat(once.dtype()).isEqualTo(source.dtype());
        assertSame(once.weights(), source.weights());
      } catch (CheckpointException cannot) {
        assertThat(cannot)
            .hasMessageMatching("(?s).*(are read, never written|; write it as DIFFUSERS or PEFT)");
      }
    }
    assertThat(able).hasSize(forms);
    for (LoraFormat first : able) {
      LoraWeights once = written(source.weights(), first, source.dtype()).weights();
      for (LoraFormat second : able) {
        assertSame(written(once, second, source.dtype()).weights(), source.weights());
      }
    }
  }

  private LoraFile written(LoraWeights weights, LoraFormat format, DType dtype) {
    Path path = folder.resolve(format.name() + ".safetensors");
    LoraWriter.write(path, weights, format, dtype);
    return LoraFile.read(path);
  }

  private static void assertSame(LoraWeights actual, LoraWeights expected) {
    assertThat(actual.component()).isEqualTo(expected.component());
    assertThat(own(actual)).isEqualTo(own(expected));
    assertThat(actual.pairs().keySet()).isEqualTo(expected.pairs().keySet());
    expected
        .pairs()
        .forEach(
            (module, pair) -> {
              LoraPair other = Objects.requireNonNull(actual.pairs().get(module));
              assertThat(other.scale()).as(module).isEqualTo(pair.scale());
              assertThat(other.alpha()).as(module).isEqualTo(pair.alpha());
              assertThat(other.kernel()).as(module).isEqualTo(pair.kernel());
              assertThat(other.a()).as(module).isEqualTo(pair.a());
              assertThat(other.b()).as(module).isEqualTo(pair.b());
            });
  }

  /** The metadata, apart from what kohya's form adds for programs that list LoRAs. */
  private static Map<String, String> own(LoraWeights weights) {
    Map<String, String> own = new TreeMap<>(weights.metadata());
    own.keySet().removeIf(key -> key.startsWith("ss_") || key.startsWith("modelspec."));
    return own;
  }

  @Property(tries = 200)
  void alphaOfAnyRank_isWhatTheFileSaid(
      @ForAll @IntRange(min = 1, max = 512) int rank, @ForAll @IntRange(max = 4096) int alpha) {
    LoraPair pair = LoraPair.ofAlpha(rank, alpha, new float[rank], new float[rank]);
    assertThat(pair.alpha()).isEqualTo(alpha);
    assertThat(pair.scale()).isEqualTo((double) alpha / rank);
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
    assertRefused("belongs to a DoRA", "transformer.proj_out.lora_magnitude_vector");
    assertRefused("belongs to a DoRA", "base_model.model.x.lora_magnitude_vector.default.weight");
    assertRefused("belongs to a LoHa", "lora_unet_blocks_0_ffn_0.hada_w1_a");
    assertRefused("belongs to a LoKr", "lora_unet_blocks_0_ffn_0.lokr_w2");
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

  @Test
  void mergedWeight_isThatOfTheMatrixProduct() {
    int out = 5;
    int in = 7;
    LoraPair pair = pair(3, 0.5, out, in);
    float[] weight = new float[out * in];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = (float) Math.sin(i);
    }
    double[] expected = new double[out * in];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < in; i++) {
        double change = 0;
        for (int k = 0; k < 3; k++) {
          change += (double) pair.b()[o * 3 + k] * pair.a()[k * in + i];
        }
        expected[o * in + i] = weight[o * in + i] + 0.8 * 0.5 * change;
      }
    }
    MemoryTensors base =
        MemoryTensors.builder().addFloats("w", List.of((long) out, (long) in), weight).build();
    var payload = merged(base, pair, 0.8);
    var buffer = ByteBuffer.allocate(out * in * 4);
    for (int first = 0; first < out * in; first += 4) {
      int count = Math.min(4, out * in - first);
      payload.fill(4L * first, buffer.slice(4 * first, 4 * count));
    }
    pair.addTo(weight, 0.8);
    float[] merged = FloatCodec.decode(DType.F32, buffer.position(0));
    for (int i = 0; i < merged.length; i++) {
      assertThat((double) merged[i]).isCloseTo(expected[i], within(1e-6));
      assertThat((double) weight[i]).isCloseTo(expected[i], within(1e-6));
    }
    assertThatThrownBy(() -> merged(base, pair(1, 1, 4, 7), 1))
        .hasMessageContaining(
            "tensor 'w': expected floats of shape [4, 7] to merge the LoRA into, found F32 [5, 7]");
  }

  private static TensorSink.Payload merged(TensorSource base, LoraPair pair, double strength) {
    return LoraMerge.merged(
        base,
        new LoraMerge.Change(TensorChange.of(pair), strength),
        "w",
        new LoraMerge.Stored(DType.F32, new RoundingError()));
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
  void mergedIntoAnyType_isTheRoundedSumAndTheErrorIsReported(DType dtype) {
    LoraPair pair = pair(2, 0.5, 3, 5);
    float[] weight = new float[15];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = (float) Math.sin(i);
    }
    MemoryTensors base = MemoryTensors.builder().addFloats("w", List.of(3L, 5L), weight).build();
    var error = new RoundingError();
    ByteBuffer stored = ByteBuffer.allocate(15 * dtype.bytes());
    LoraMerge.merged(
            base,
            new LoraMerge.Change(TensorChange.of(pair), 1),
            "w",
            new LoraMerge.Stored(dtype, error))
        .fill(0, stored);
    pair.addTo(weight, 1);
    ByteBuffer expected = ByteBuffer.allocate(15 * dtype.bytes());
    FloatCodec.encode(FloatBuffer.wrap(weight), dtype, expected);
    assertThat(stored.flip()).isEqualTo(expected.flip());
    float[] back = FloatCodec.decode(dtype, stored);
    double largest = 0;
    double squares = 0;
    for (int i = 0; i < weight.length; i++) {
      double difference = Math.abs((double) back[i] - weight[i]);
      largest = Math.max(largest, difference);
      squares += difference * difference;
    }
    assertThat(error.largest()).isEqualTo(largest);
    assertThat(error.norm()).isCloseTo(Math.sqrt(squares), within(1e-15));
    assertThat(error.count()).isEqualTo(15);
  }

  @Test
  void normOfAPair_isThatOfTheProduct() {
    LoraPair pair = pair(3, 0.5, 5, 7);
    float[] product = new float[35];
    pair.addTo(product, 1);
    double squares = 0;
    for (float value : product) {
      squares += (double) value * value;
    }
    assertThat(pair.norm()).isCloseTo(Math.sqrt(squares), within(1e-5));
  }

  private static LoraPair pair(int rank, double scale, int out, int in) {
    float[] a = new float[rank * in];
    float[] b = new float[out * rank];
    for (int i = 0; i < a.length; i++) {
      a[i] = (float) Math.cos(3 * i + rank);
    }
    for (int i = 0; i < b.length; i++) {
      b[i] = (float) Math.cos(5 * i + out);
    }
    return new LoraPair(rank, scale, a, b);
  }
}
