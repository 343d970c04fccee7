package io.github.tpdiff.weights.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Names of one layer as tools write them: read as what they mean, or refused. */
class LoraNamesTest {

  /** Modules under all their names; the first is that of diffusers. */
  private static final List<List<String>> MODULES =
      List.of(
          List.of("blocks.0.attn1.to_q", "blocks.0.self_attn.q"),
          List.of("blocks.29.attn2.to_out.0", "blocks.29.cross_attn.o"),
          List.of("blocks.3.attn2.add_k_proj", "blocks.3.cross_attn.k_img"),
          List.of("blocks.12.ffn.net.0.proj", "blocks.12.ffn.0"),
          List.of("blocks.12.ffn.net.2", "blocks.12.ffn.2"),
          List.of("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
          List.of("condition_embedder.time_proj", "time_projection.1"),
          List.of("proj_out", "head.head"),
          List.of("patch_embedding"),
          List.of("mid_block.attentions.0.transformer_blocks.0.attn1.to_q"),
          List.of("down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_out.0"),
          List.of("up_blocks.2.resnets.1.conv1"),
          List.of(
              "down_blocks.0.motion_modules.1.transformer_blocks.0.attn1.to_v",
              "down_blocks.0.motion_modules.1.temporal_transformer.transformer_blocks.0"
                  + ".attention_blocks.0.to_v"),
          List.of("transformer_blocks.4.attn.add_q_proj"),
          List.of("single_transformer_blocks.11.attn.to_k"));

  private static final List<String> WRAPPERS =
      List.of(
          "transformer.",
          "unet.",
          "base_model.model.",
          "diffusion_model.",
          "model.diffusion_model.",
          "transformer.base_model.model.",
          "base_model.model.transformer.",
          "pipe.dit.",
          "module.",
          "_orig_mod.",
          "");

  /** A name and the module it means. */
  record Named(String stem, String module) {}

  @Provide
  Arbitrary<Named> dotted() {
    Arbitrary<Named> plain =
        Combinators.combine(names(), Arbitraries.of(WRAPPERS))
            .as((named, wrapper) -> new Named(wrapper + named.stem(), named.module()));
    return Arbitraries.oneOf(
        plain, plain.map(named -> new Named(named.stem().replace('.', '/'), named.module())));
  }

  @Provide
  Arbitrary<Named> underscored() {
    return Combinators.combine(
            names(),
            Arbitraries.of("lora_unet_", "lora_unet__", "lora_transformer_"),
            Arbitraries.integers().between(0, (1 << 12) - 1))
        .as((named, prefix, dots) -> new Named(prefix + some(named.stem(), dots), named.module()));
  }

  private static Arbitrary<Named> names() {
    return Arbitraries.of(MODULES)
        .flatMap(all -> Arbitraries.of(all).map(name -> new Named(name, all.get(0))));
  }

  /** Underscores in place of some of the dots. */
  private static String some(String name, int kept) {
    StringBuilder half = new StringBuilder(name);
    for (int i = 0, dot = 0; i < name.length(); i++) {
      if (name.charAt(i) == '.' && (kept >> (dot++ % 12) & 1) == 0) {
        half.setCharAt(i, '_');
      }
    }
    return half.toString();
  }

  @Provide
  Arbitrary<List<String>> endings() {
    Arbitrary<String> adapter =
        Arbitraries.strings().alpha().numeric().withChars("_-").ofMinLength(1).ofMaxLength(12);
    return Arbitraries.oneOf(
        Arbitraries.of(
            List.of(".lora_A.weight", ".lora_B.weight"),
            List.of(".lora_down.weight", ".lora_up.weight"),
            List.of(".lora.down.weight", ".lora.up.weight")),
        adapter.map(name -> List.of(".lora_A." + name + ".weight", ".lora_B." + name + ".weight")));
  }

  @Property(tries = 400)
  void nameOfAnyWrapperAndAdapter_isItsModuleInEveryForm(
      @ForAll("dotted") Named named, @ForAll("endings") List<String> ending) throws IOException {
    assertReads(named, ending);
  }

  @Property(tries = 400)
  void underscoredName_isItsModuleWhateverDotsAreLeft(
      @ForAll("underscored") Named named, @ForAll("endings") List<String> ending)
      throws IOException {
    assertReads(named, ending);
  }

  private static void assertReads(Named named, List<String> ending) throws IOException {
    Path file = Files.createTempFile("lora", ".safetensors");
    Path copy = Files.createTempFile("lora", ".safetensors");
    try {
      write(file, named.stem(), ending);
      LoraWeights read = LoraFile.read(file).weights();
      assertThat(read.pairs()).containsOnlyKeys(named.module());
      LoraWriter.write(copy, read, LoraFormat.DIFFUSERS, DType.F32);
      assertThat(LoraFile.read(copy).weights().pairs()).containsOnlyKeys(named.module());
      String component = named.module().matches("(down|mid|up)_block.*") ? "unet" : "transformer";
      try (var tensors = SafetensorsFile.open(copy)) {
        assertThat(tensors.names())
            .containsExactlyInAnyOrder(
                component + "." + named.module() + ".lora_A.weight",
                component + "." + named.module() + ".lora_B.weight");
      }
    } finally {
      Files.delete(file);
      Files.delete(copy);
    }
  }

  @Provide
  Arbitrary<Named> strangers() {
    Arbitrary<String> word =
        Arbitraries.strings().withCharRange('a', 'z').ofMinLength(2).ofMaxLength(8);
    Arbitrary<Named> wrapped =
        Combinators.combine(word, names())
            .as((first, named) -> new Named("x" + first + "." + named.stem(), named.module()));
    Arbitrary<Named> deeper =
        Combinators.combine(word, names())
            .as((last, named) -> new Named(named.stem() + ".x" + last, named.module()));
    Arbitrary<Named> kohya =
        Combinators.combine(word, names())
            .as((w, n) -> new Named("lora_unet_x" + w + "_" + n.stem(), n.module()));
    return Arbitraries.oneOf(wrapped, deeper, kohya);
  }

  @Property(tries = 400)
  void nameOfNoKnownNetwork_isRefusedAndNamed(
      @ForAll("strangers") Named named, @ForAll("endings") List<String> ending) throws IOException {
    Path file = Files.createTempFile("lora", ".safetensors");
    try {
      write(file, named.stem(), ending);
      assertThatThrownBy(() -> LoraFile.read(file))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(file + ": tensor '" + named.stem() + ending.get(0) + "'")
          .hasMessageContaining("expected a layer of a known network");
    } finally {
      Files.delete(file);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "transformer_2.blocks.0.attn1.to_q",
        "base_model.model.transformer_2.blocks.0.attn1.to_q",
        "transformer_2/blocks/0/attn1/to_q"
      })
  void loraOfTheSecondExpert_isCalledThat(String stem) throws IOException {
    assertThatThrownBy(() -> read(Map.of(stem, "lora_A")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(stem)
        .hasMessageContaining("changes the second expert of Wan 2.2");
  }

  @ParameterizedTest
  @CsvSource({
    "transformer.blocks.0.attn1.to_q, transformer.blocks.0.attn1.to_q, DIFFUSERS",
    "model.diffusion_model.blocks.0.self_attn.q, diffusion_model.blocks.0.self_attn.q, COMFYUI",
    "base_model.model.transformer.blocks.0.attn1.to_q, x, PEFT",
    "pipe.dit.blocks.0.self_attn.q, blocks.0.self_attn.q, DIFFSYNTH",
    "lora_unet_blocks_0.cross_attn.k, lora_unet_blocks_0_cross_attn_k, KOHYA"
  })
  void form_isThatOfTheInnermostKnownPrefix(String stem, String same, LoraFormat format)
      throws IOException {
    assertThat(read(Map.of(stem, "lora_A")).format()).isEqualTo(format);
    if (!same.equals("x")) {
      assertThat(read(Map.of(same, "lora_A")).format()).isEqualTo(format);
    }
  }

  @Test
  void partsOfATextEncoder_areLeftOutAndNamed() throws IOException {
    LoraFile read =
        read(
            Map.of(
                "lora_te_text_model_encoder_layers_0_self_attn_q_proj", "lora_A",
                "text_encoder.text_model.encoder.layers.0.mlp.fc1", "lora_A",
                "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q", "lora_A"));
    assertThat(read.weights().pairs())
        .containsOnlyKeys("mid_block.attentions.0.transformer_blocks.0.attn1.to_q");
    assertThat(read.ignored())
        .containsExactlyInAnyOrder(
            "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_A.weight",
            "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_B.weight",
            "text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_A.weight",
            "text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_B.weight");
  }

  /** Taking off one prefix after another would take time that grows with the square. */
  @Test
  void endlessName_isRefusedAtOnce() {
    assertThatThrownBy(
            () -> read(Map.of("transformer.".repeat(1 << 20) + "blocks.0.attn1.to_q", "lora_A")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected a name of at most 1000 characters");
  }

  @Test
  void layersOfTwoModels_areRefused() {
    assertThatThrownBy(
            () ->
                read(
                    Map.of(
                        "blocks.0.attn1.to_q", "lora_A",
                        "mid_block.attentions.0.transformer_blocks.0.attn1.to_q", "lora_A")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected a LoRA of one network")
        .hasMessageContaining("blocks.0.attn1.to_q.lora_A.weight");
  }

  private static LoraFile read(Map<String, String> stems) throws IOException {
    Path file = Files.createTempFile("lora", ".safetensors");
    try {
      MemoryTensors.Builder tensors = MemoryTensors.builder();
      stems.forEach(
          (stem, a) -> add(tensors, stem, List.of("." + a + ".weight", ".lora_B.weight")));
      SafetensorsWriter.write(file, tensors.build());
      return LoraFile.read(file);
    } finally {
      Files.delete(file);
    }
  }

  private static void write(Path file, String stem, List<String> ending) {
    MemoryTensors.Builder tensors = MemoryTensors.builder();
    add(tensors, stem, ending);
    SafetensorsWriter.write(file, tensors.build());
  }

  private static void add(MemoryTensors.Builder tensors, String stem, List<String> ending) {
    List<Long> a = new ArrayList<>(List.of(1L, 2L));
    tensors.addFloats(stem + ending.get(0), a, 1, 2);
    tensors.addFloats(stem + ending.get(1), List.of(2L, 1L), 3, 4);
  }
}
