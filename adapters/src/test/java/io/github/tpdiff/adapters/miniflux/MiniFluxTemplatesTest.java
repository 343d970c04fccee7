package io.github.tpdiff.adapters.miniflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.adapters.ClipTextConfig;
import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.adapters.T5Config;
import io.github.tpdiff.adapters.madeup.MadeUpCheckpoint;
import io.github.tpdiff.runtime.engine.ProgramWeights;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.text.HuggingFaceTokenizer;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MiniFluxTemplatesTest {
  @TempDir private Path temporary;

  private Path write(List<String> components, DType dtype) {
    Path folder = temporary.resolve("miniflux");
    MiniFluxTemplates.tiny()
        .write(new CheckpointTemplate.Order(folder, dtype, components, (written, total) -> {}));
    return folder;
  }

  /** The published folder has neither an index of the model nor a scheduler. */
  @Test
  void folder_isLaidOutAsPublished() throws IOException {
    Path folder = write(MiniFluxTemplates.tiny().components(), DType.F32);
    assertThat(filesIn(folder))
        .containsExactlyInAnyOrder(
            "causal_video_vae/config.json",
            "causal_video_vae/diffusion_pytorch_model.safetensors",
            "diffusion_transformer_384p/config.json",
            "diffusion_transformer_384p/diffusion_pytorch_model.safetensors",
            "diffusion_transformer_768p/config.json",
            "diffusion_transformer_768p/diffusion_pytorch_model.safetensors",
            "diffusion_transformer_image/config.json",
            "diffusion_transformer_image/diffusion_pytorch_model.safetensors",
            "text_encoder/config.json",
            "text_encoder/model.safetensors",
            "text_encoder_2/config.json",
            "text_encoder_2/model.safetensors",
            "tokenizer/merges.txt",
            "tokenizer/special_tokens_map.json",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json",
            "tokenizer_2/special_tokens_map.json",
            "tokenizer_2/tokenizer.json",
            "tokenizer_2/tokenizer_config.json");
  }

  private static List<String> filesIn(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString())
          .toList();
    }
  }

  @Test
  void everyComponent_opensWithAllOfItsWeights() {
    Path folder = write(MiniFluxTemplates.tiny().defaultComponents(), DType.BF16);
    requireWeights(
        MiniFluxComponents.openTransformer(
            folder.resolve("diffusion_transformer_384p"), FrameAttention.FULL));
    requireWeights(MiniFluxComponents.openVae(folder.resolve("causal_video_vae")).components());
    requireWeights(
        Map.of(
            "encoder", MiniFluxComponents.openPooledTextEncoder(folder.resolve("text_encoder"))));
    requireWeights(
        Map.of("encoder", MiniFluxComponents.openTextEncoder(folder.resolve("text_encoder_2"))));
  }

  private static void requireWeights(Map<String, Component> components) {
    for (Component component : components.values()) {
      ProgramWeights.check(component.program(), component.weights());
    }
    components.values().forEach(component -> component.weights().close());
  }

  @Test
  void configurations_sayTheSizesOfTheirTensors() {
    Path folder = write(MiniFluxTemplates.tiny().defaultComponents(), DType.F32);
    MiniFluxSizes tiny = MiniFluxSizes.tiny();
    assertThat(read(folder.resolve("diffusion_transformer_384p"), PyramidFluxConfig::read))
        .isEqualTo(tiny.transformer());
    assertThat(read(folder.resolve("causal_video_vae"), CausalVideoVaeConfig::read))
        .isEqualTo(tiny.vae());
    assertThat(read(folder.resolve("text_encoder"), ClipTextConfig::read))
        .isEqualTo(tiny.pooling());
    assertThat(read(folder.resolve("text_encoder_2"), T5Config::read))
        .isEqualTo(tiny.textEncoder());
  }

  private interface Reading<T> {
    T of(ConfigFile config, TensorSource weights);
  }

  private static <T> T read(Path folder, Reading<T> reading) {
    try (TensorSource weights = Checkpoint.open(folder)) {
      return reading.of(ConfigFile.open(folder.resolve("config.json")), weights);
    }
  }

  @Test
  void tokenizers_giveIdsThatTheirEncodersHaveRowsFor() throws IOException {
    Path folder = write(List.of("text_encoder", "text_encoder_2"), DType.F32);
    MiniFluxSizes tiny = MiniFluxSizes.tiny();
    List<String> prompts = List.of("a red ball rolls", "");
    try (var clip =
            HuggingFaceTokenizer.open(folder.resolve("tokenizer"), tiny.pooling().vocabulary());
        var t5 =
            HuggingFaceTokenizer.open(
                folder.resolve("tokenizer_2"), tiny.textEncoder().vocabulary())) {
      assertThat(clip.encode(prompts, tiny.pooling().positions()).inputIds())
          .hasDimensions(2, tiny.pooling().positions());
      // An empty prompt is the end of text alone.
      assertThat(t5.encode(prompts, tiny.promptLength()).attentionMask()[1])
          .startsWith(1, 0)
          .hasSize(tiny.promptLength());
    }
  }

  /** The published numbers of parameters and tensors. */
  @Test
  void publishedSizes_haveThePublishedNumbersOfParameters() {
    MadeUpCheckpoint published = MiniFluxTemplates.published();
    assertThat(tensors(published, "diffusion_transformer_384p")).hasSize(496);
    assertThat(parameters(published, "diffusion_transformer_384p")).isEqualTo(1_972_059_200L);
    assertThat(tensors(published, "causal_video_vae")).hasSize(260);
    assertThat(parameters(published, "causal_video_vae")).isEqualTo(335_402_067L);
    assertThat(parameters(published, "text_encoder_2")).isEqualTo(4_762_310_656L);
    assertThat(parameters(published, "text_encoder")).isEqualTo(123_060_480L);
  }

  private static List<TensorInfo> tensors(MadeUpCheckpoint checkpoint, String folder) {
    return checkpoint.parts().stream()
        .filter(part -> part.folder().equals(folder))
        .map(part -> part.tensors(DType.F32))
        .findFirst()
        .orElseThrow();
  }

  private static long parameters(MadeUpCheckpoint checkpoint, String folder) {
    return tensors(checkpoint, folder).stream()
        .map(TensorInfo::shape)
        .mapToLong(shape -> shape.stream().reduce(1L, Math::multiplyExact))
        .sum();
  }
}
