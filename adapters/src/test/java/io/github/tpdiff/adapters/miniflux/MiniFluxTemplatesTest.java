package io.github.tpdiff.adapters.miniflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.adapters.ClipTextConfig;
import io.github.tpdiff.adapters.T5Config;
import io.github.tpdiff.adapters.madeup.MadeUpCheckpoint;
import io.github.tpdiff.runtime.engine.ProgramWeights;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.runtime.text.HuggingFaceTokenizer;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
            "tokenizer_2/tokenizer_config.json",
            "tpdiff_defaults.json");
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

  /** A picture without detail comes back as it was, the first frame as well as later ones. */
  @Test
  void tinyCodec_restoresBrightnessColourAndTime() {
    var vae =
        MiniFluxComponents.openVae(
            write(List.of("causal_video_vae"), DType.F32).resolve("causal_video_vae"));
    // Colours change with every second frame at most: those between have their neighbours' mean.
    float[][] frames = {
      {0.5f, -0.3f, 0.1f},
      {0.4f, 0, 0.2f},
      {0.4f, 0, 0.2f},
      {-0.6f, 0.7f, 0},
      {-0.6f, 0.7f, 0},
      {0, 0.1f, 0.9f},
      {0, 0.1f, 0.9f},
      {0.2f, 0.2f, 0.2f},
      {0.8f, 0.8f, 0.8f}
    };
    int side = 48;
    try (var engine = new ReferenceEngine()) {
      Map<String, Tensor> first =
          run(engine, vae, "vae_encoder/first", Map.of(), plain("sample", side, frames[0]));
      Map<String, Tensor> next =
          run(
              engine,
              vae,
              "vae_encoder",
              first,
              plain("sample", side, Arrays.copyOfRange(frames, 1, 9)));
      Map<String, Tensor> shown = run(engine, vae, "vae_decoder/first", Map.of(), latent(first));
      assertMiddle(shown, side, frames[0]);
      Map<String, Tensor> following = run(engine, vae, "vae_decoder", shown, latent(next));
      Tensor video = Objects.requireNonNull(following.get("sample"));
      assertThat(video.shape()).containsExactly(1, 3, 8, side, side);
      for (int f = 1; f < 9; f++) {
        assertThat(brightness(video, f - 1, side))
            .as("frame " + f)
            .isCloseTo(mean(frames[f]), within(0.01));
      }
      for (int f = 2; f < 9; f += 2) { // these are kept with their colours
        assertColour(video, f - 1, side, frames[f]);
      }
    }
    vae.components().values().forEach(component -> component.weights().close());
  }

  private static double mean(float[] colour) {
    return (colour[0] + colour[1] + colour[2]) / 3;
  }

  private static double brightness(Tensor video, int frame, int side) {
    return mean(middle(video, frame, side));
  }

  private static float[] middle(Tensor video, int frame, int side) {
    var colour = new float[3];
    int frames = (int) video.shape()[2];
    for (int c = 0; c < 3; c++) {
      colour[c] = video.floats().get(((c * frames + frame) * side + side / 2) * side + side / 2);
    }
    return colour;
  }

  private static void assertMiddle(Map<String, Tensor> decoded, int side, float[] colour) {
    Tensor video = Objects.requireNonNull(decoded.get("sample"));
    assertThat(video.shape()).containsExactly(1, 3, 1, side, side);
    assertColour(video, 0, side, colour);
  }

  private static void assertColour(Tensor video, int frame, int side, float[] colour) {
    // The constant channels' finite size costs a few thousandths.
    assertThat(middle(video, frame, side))
        .as("frame " + frame)
        .containsExactly(colour, within(0.01f));
  }

  private static Map<String, Tensor> latent(Map<String, Tensor> encoded) {
    return Map.of("latent_sample", Objects.requireNonNull(encoded.get("latent_mean")));
  }

  private static Map<String, Tensor> plain(String name, int side, float[]... frames) {
    int area = side * side;
    var values = new float[3 * frames.length * area];
    for (int i = 0; i < values.length; i++) {
      values[i] = frames[i / area % frames.length][i / area / frames.length];
    }
    return Map.of(name, Tensor.ofFloats(values, 1, 3, frames.length, side, side));
  }

  /** One chunk, with the state that the chunk before it left. */
  private static Map<String, Tensor> run(
      ReferenceEngine engine,
      MiniFluxComponents.Vae vae,
      String name,
      Map<String, Tensor> before,
      Map<String, Tensor> chunk) {
    Component component = Objects.requireNonNull(vae.components().get(name));
    Map<String, Tensor> inputs = new HashMap<>(chunk);
    before.forEach(
        (state, value) -> {
          if (state.endsWith(".next")) {
            inputs.put(state.substring(0, state.length() - ".next".length()), value);
          }
        });
    try (var executable = engine.load(component.program(), component.weights())) {
      return executable.run(inputs);
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
