package io.github.tpdiff.weights.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.RoundingError;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Changes of tensors in full, as distilled LoRAs of Wan hold them beside their products. */
class LoraFullChangeTest {

  @TempDir Path folder;

  /** Names of the authors with the tensor of diffusers that each changes, and its shape. */
  private static final Map<String, String> FULL =
      Map.ofEntries(
          Map.entry("patch_embedding.diff", "patch_embedding.weight"),
          Map.entry("patch_embedding.diff_b", "patch_embedding.bias"),
          Map.entry("text_embedding.0.diff_b", "condition_embedder.text_embedder.linear_1.bias"),
          Map.entry("time_projection.1.diff_b", "condition_embedder.time_proj.bias"),
          Map.entry("blocks.0.norm3.diff", "blocks.0.norm2.weight"),
          Map.entry("blocks.0.norm3.diff_b", "blocks.0.norm2.bias"),
          Map.entry("blocks.0.self_attn.norm_q.diff", "blocks.0.attn1.norm_q.weight"),
          Map.entry("blocks.0.cross_attn.norm_k_img.diff", "blocks.0.attn2.norm_added_k.weight"),
          Map.entry("blocks.0.self_attn.q.diff_b", "blocks.0.attn1.to_q.bias"),
          Map.entry("blocks.0.self_attn.q.diff", "blocks.0.attn1.to_q.weight"),
          Map.entry("blocks.0.ffn.2.diff_b", "blocks.0.ffn.net.2.bias"),
          Map.entry("blocks.0.diff_m", "blocks.0.scale_shift_table"),
          Map.entry("head.diff_m", "scale_shift_table"),
          Map.entry("head.head.diff", "proj_out.weight"),
          Map.entry("head.head.diff_b", "proj_out.bias"),
          Map.entry("img_emb.proj.0.diff", "condition_embedder.image_embedder.norm1.weight"),
          Map.entry("img_emb.emb_pos.diff", "condition_embedder.image_embedder.pos_embed"));

  private Path file(Map<String, float[]> tensors) {
    Path file = folder.resolve("lora.safetensors");
    MemoryTensors.Builder builder = MemoryTensors.builder();
    tensors.forEach(
        (name, values) -> builder.addFloats(name, List.of((long) values.length), values));
    SafetensorsWriter.write(file, builder.build());
    return file;
  }

  @ParameterizedTest
  @CsvSource({"diffusion_model.", "model.diffusion_model.", "''"})
  void everyPart_changesTheTensorOfItsName(String prefix) {
    Map<String, float[]> tensors = new TreeMap<>();
    FULL.keySet().forEach(name -> tensors.put(prefix + name, new float[] {name.length(), 1}));
    LoraFile read = LoraFile.read(file(tensors));
    assertThat(read.ignored()).isEmpty();
    assertThat(read.weights().full().keySet()).containsExactlyInAnyOrderElementsOf(FULL.values());
    FULL.forEach(
        (name, tensor) ->
            assertThat(Objects.requireNonNull(read.weights().full().get(tensor)).values())
                .as(name)
                .containsExactly(name.length(), 1));
  }

  @ParameterizedTest
  @CsvSource({
    "lora_unet_blocks_0_norm3.diff, blocks.0.norm2.weight",
    "lora_unet_blocks_0_self_attn_q.diff_b, blocks.0.attn1.to_q.bias",
    "lora_unet_blocks_0.diff_m, blocks.0.scale_shift_table",
    "diffusion_model.blocks.0.modulation.diff, blocks.0.scale_shift_table",
    "diffusion_model.head.modulation.diff, scale_shift_table",
    "transformer.blocks.3.scale_shift_table.diff, blocks.3.scale_shift_table",
    "transformer.blocks.3.diff_m, blocks.3.scale_shift_table",
    "diffusion_model.blocks.0.self_attn.q.bias.diff, blocks.0.attn1.to_q.bias",
    "lora_unet_conv_norm_out.w_norm, conv_norm_out.weight",
    "lora_unet_conv_norm_out.b_norm, conv_norm_out.bias"
  })
  void otherSpellings_meanTheSame(String name, String tensor) {
    LoraFile read = LoraFile.read(file(Map.of(name, new float[] {1, 2})));
    assertThat(read.weights().full()).containsOnlyKeys(tensor);
  }

  @Test
  void twoSpellingsOfOneTensor_areRefused() {
    Path file =
        file(
            Map.of(
                "diffusion_model.blocks.0.diff_m", new float[] {1},
                "diffusion_model.blocks.0.modulation.diff", new float[] {1}));
    assertThatThrownBy(() -> LoraFile.read(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("mean the same");
  }

  /** B's bias is scaled as the product is, a change in full is not: 2 · 3 + 5. */
  @Test
  void alpha_scalesTheBiasOfBAndNoChangeInFull() {
    String layer = "diffusion_model.blocks.0.self_attn.q";
    Path file = folder.resolve("lora.safetensors");
    SafetensorsWriter.write(
        file,
        MemoryTensors.builder()
            .addFloats(layer + ".lora_A.weight", List.of(1L, 2L), 1, 1)
            .addFloats(layer + ".lora_B.weight", List.of(1L, 1L), 1)
            .addFloats(layer + ".lora_B.bias", List.of(1L), 3)
            .addFloats(layer + ".diff_b", List.of(1L), 5)
            .addFloats(layer + ".diff", List.of(1L, 2L), 7, 8)
            .addFloats(layer + ".alpha", List.of(), 2)
            .addFloats("diffusion_model.blocks.0.norm3.diff", List.of(1L), 9)
            .addFloats("diffusion_model.blocks.0.norm3.alpha", List.of(), 4)
            .build());
    LoraFile read = LoraFile.read(file);
    assertThat(read.ignored()).containsExactly("diffusion_model.blocks.0.norm3.alpha");
    Map<String, TensorChange> changes = read.weights().changes();
    assertThat(changes)
        .containsOnlyKeys(
            "blocks.0.attn1.to_q.weight", "blocks.0.attn1.to_q.bias", "blocks.0.norm2.weight");
    // Strength 0.5 on all: 10 + 0.5 · (2 + 7), 20 + 0.5 · (2 + 8).
    assertThat(merged(changes, "blocks.0.attn1.to_q.weight", 10, 20)).containsExactly(14.5f, 25);
    assertThat(merged(changes, "blocks.0.attn1.to_q.bias", 1)).containsExactly(6.5f);
    assertThat(merged(changes, "blocks.0.norm2.weight", 1)).containsExactly(5.5f);
  }

  private static float[] merged(Map<String, TensorChange> changes, String name, float... base) {
    var source =
        MemoryTensors.builder()
            .addFloats(
                name,
                name.endsWith("to_q.weight")
                    ? List.of(1L, (long) base.length)
                    : List.of((long) base.length),
                base)
            .build();
    ByteBuffer stored = ByteBuffer.allocate(4 * base.length);
    LoraMerge.merged(
            source,
            new LoraMerge.Change(Objects.requireNonNull(changes.get(name)).on(source, name), 0.5),
            name,
            new LoraMerge.Stored(DType.F32, new RoundingError()))
        .fill(0, stored);
    return FloatCodec.decode(DType.F32, stored.flip());
  }

  @Test
  void changeOfAnotherShape_isRefusedByName() {
    var change =
        new TensorChange(
            Optional.empty(), Optional.of(new FullChange(List.of(1L, 3L), new float[3])));
    MemoryTensors base =
        MemoryTensors.builder()
            .addFloats("a", List.of(3L, 1L, 1L), 1, 2, 3)
            .addFloats("b", List.of(2L), 1, 2)
            .build();
    change.requireFits("base", base.require("a"));
    assertThatThrownBy(() -> change.requireFits("base", base.require("b")))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "base: tensor 'b': expected floats of shape [1, 3] to add the LoRA's change to, found"
                + " F32 [2]");
  }

  private static LoraWeights everything() {
    return new LoraWeights(
        "transformer",
        Map.of("blocks.0.attn1.to_q", new LoraPair(1, 2, new float[] {1, 2}, new float[] {3, 4})),
        Map.of(
            "blocks.0.attn1.to_q.bias", full(5, 6),
            "blocks.0.attn1.to_k.bias", full(1, 2),
            "blocks.0.norm2.weight", full(7, 8),
            "blocks.0.scale_shift_table", full(9, 10)),
        Map.of());
  }

  private static FullChange full(float... values) {
    return new FullChange(List.of((long) values.length), values);
  }

  @ParameterizedTest
  @EnumSource(names = {"COMFYUI", "KOHYA", "DIFFUSERS", "PEFT"})
  void writtenAndRead_isWhatTheFormHolds_andTheRestIsCounted(LoraFormat format) {
    Path path = folder.resolve("out.safetensors");
    List<String> said = LoraWriter.write(path, everything(), format, DType.F32);
    LoraWeights read = LoraFile.read(path).weights();
    Map<String, Integer> left = Map.of("COMFYUI", 0, "KOHYA", 1, "DIFFUSERS", 3, "PEFT", 3);
    int expected = Objects.requireNonNull(left.get(format.name()));
    assertThat(read.full()).hasSize(4 - expected);
    read.full()
        .forEach(
            (tensor, change) ->
                assertThat(change.values())
                    .as(tensor)
                    .containsExactly(
                        Objects.requireNonNull(everything().full().get(tensor)).values(),
                        within(1e-6f)));
    if (expected > 0) {
      assertThat(said)
          .contains(
              "left out %d changes in full that the form %s cannot hold, such as of %s"
                  .formatted(
                      expected,
                      format,
                      expected == 1 ? "blocks.0.scale_shift_table" : "blocks.0.attn1.to_k.bias"));
    } else {
      assertThat(said).noneMatch(line -> line.startsWith("left out"));
    }
  }

  @Test
  void comfyUiFile_hasTheAuthorsNames() {
    Path path = folder.resolve("out.safetensors");
    LoraWriter.write(path, everything(), LoraFormat.COMFYUI, DType.F32);
    try (TensorSource tensors = SafetensorsFile.open(path)) {
      assertThat(tensors.names())
          .contains(
              "diffusion_model.blocks.0.self_attn.q.diff_b",
              "diffusion_model.blocks.0.norm3.diff",
              "diffusion_model.blocks.0.modulation.diff");
    }
  }

  /** PEFT scales the bias of B: the file holds the change over the scale, and says that it does. */
  @Test
  void peftFile_hasTheBiasOfB() {
    Path path = folder.resolve("out.safetensors");
    LoraWriter.write(path, everything(), LoraFormat.DIFFUSERS, DType.F32);
    try (TensorSource tensors = SafetensorsFile.open(path)) {
      assertThat(tensors.floats("transformer.blocks.0.attn1.to_q.lora_B.bias"))
          .containsExactly(2.5f, 3);
      assertThat(tensors.metadata().get("lora_adapter_metadata"))
          .contains("\"transformer.lora_bias\": true");
    }
  }

  @Test
  void formThatHoldsNothingOfIt_isRefused() {
    LoraWeights norm =
        new LoraWeights(
            "transformer", Map.of(), Map.of("blocks.0.norm2.weight", full(1)), Map.of());
    Path path = folder.resolve("out.safetensors");
    assertThatThrownBy(() -> LoraWriter.write(path, norm, LoraFormat.DIFFUSERS, DType.F32))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("holds none of this LoRA's changes");
    assertThat(path).doesNotExist();
    LoraWriter.write(path, norm, LoraFormat.COMFYUI, DType.F32);
    assertThat(LoraFile.read(path).weights().full()).containsOnlyKeys("blocks.0.norm2.weight");
  }
}
