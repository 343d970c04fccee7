package io.github.tpdiff.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.adapters.wan.WanComponents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.Network;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The image encoder against states before the last layer from transformers. */
final class ClipVisionModelTest {
  private static final String CASE = "wan/image-encoder";
  private static final Map<String, Object> HEADS =
      Map.of("hidden_act", "gelu", "num_attention_heads", 2);

  @TempDir private Path folder;

  @Test
  void states_matchTransformers() {
    try (var golden = Golden.open(CASE);
        var weights = Checkpoint.open(golden.checkpoint())) {
      golden.assertMatches("out.image_embeds", states(config(golden), weights, 1));
    }
  }

  @Test
  void activation_isThatOfTheConfiguration() throws IOException {
    Path file = folder.resolve("config.json");
    try (var golden = Golden.open(CASE);
        var weights = Checkpoint.open(golden.checkpoint())) {
      String json = Files.readString(golden.checkpoint().resolve("config.json"));
      Files.writeString(file, json.replace("\"gelu\"", "\"quick_gelu\""));
      golden.assertMatches("out.quick_gelu", states(ConfigFile.open(file), weights, 1));
    }
  }

  /** Four pictures as those of two clips: the rows of a clip's follow one another. */
  @Test
  void picturesOfOneClip_areRowsOneBehindTheOther() {
    try (var golden = Golden.open(CASE);
        var weights = Checkpoint.open(golden.checkpoint())) {
      Tensor alone = states(config(golden), weights, 1);
      Tensor pairs = states(config(golden), weights, 2);
      assertThat(pairs.shape()).containsExactly(2, 10, 8);
      assertThat(pairs.toFloatArray()).containsExactly(alone.toFloatArray());
    }
  }

  /** Behind {@code visual.}, with fused rows and axes in front, beside what nothing reads. */
  @Test
  void authorsFile_givesTheSame() {
    Path file = folder.resolve("models_clip_open-clip.safetensors");
    try (var golden = Golden.open(CASE);
        var weights = Checkpoint.open(golden.checkpoint())) {
      var found = Contents.of(weights.names()).find(Network.CLIP_VISION_ENCODER).orElseThrow();
      TensorSource original =
          found.as(Layout.ORIGINAL, weights).renamed(name -> Optional.of("visual." + name));
      assertThat(original.names()).contains("visual.transformer.0.attn.to_qkv.weight");
      SafetensorsWriter.write(file, original);
      Component component =
          Objects.requireNonNull(
              WanComponents.openImageEncoder(folder, HEADS).get("image_encoder"));
      try (var opened = component.weights();
          var engine = new ReferenceEngine();
          var executable = engine.load(component.program(), opened)) {
        var outputs = executable.run(Map.of("pixel_values", pixels(golden, 1)));
        golden.assertMatches(
            "out.image_embeds", Objects.requireNonNull(outputs.get("image_embeds")));
      }
    }
  }

  /** Of three layers two are read, whether or not the third is in the file. */
  @Test
  void whatNothingReads_isNotAskedFor() {
    try (var golden = Golden.open(CASE);
        var weights = Checkpoint.open(golden.checkpoint())) {
      TensorSource without =
          weights.renamed(
              name ->
                  Optional.of(name)
                      .filter(own -> !own.contains("layers.2."))
                      .filter(own -> !own.contains("post_layernorm")));
      golden.assertMatches("out.image_embeds", states(config(golden), without, 1));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"hidden_act\": \"gelu\"|\"hidden_act\": \"relu\""
            + "|hidden_act: expected quick_gelu or gelu, found relu",
        "\"num_attention_heads\": 2|\"num_attention_heads\": 3"
            + "|num_attention_heads: expected a divisor of hidden_size 8, found 3",
        "\"num_attention_heads\": 2|\"heads\": 2"
            + "|num_attention_heads: expected the number of heads, found none",
        "\"num_hidden_layers\": 3|\"num_hidden_layers\": 5"
            + "|num_hidden_layers: expected 3, those in the checkpoint, found 5",
        "\"image_size\": 4|\"image_size\": 8"
            + "|image_size: expected 4, as the positions and patches have it, found 8",
      })
  void whatDoesNotFit_isNamed(String said, String instead, String message) throws IOException {
    Path file = folder.resolve("config.json");
    try (var golden = Golden.open(CASE);
        var weights = Checkpoint.open(golden.checkpoint())) {
      String json = Files.readString(golden.checkpoint().resolve("config.json"));
      assertThat(json).contains(said);
      Files.writeString(file, json.replace(said, instead));
      var config = ConfigFile.open(file);
      assertThatThrownBy(() -> ClipVisionConfig.read(config, weights))
          .isInstanceOf(CheckpointException.class)
          .hasMessage(file + ": " + message);
    }
  }

  private static ConfigFile config(Golden golden) {
    return ConfigFile.open(golden.checkpoint().resolve("config.json"));
  }

  private static Tensor pixels(Golden golden, int pictures) {
    Tensor pixels = golden.tensor("in.pixel_values");
    long[] shape = pixels.shape();
    return pixels.reshape(shape[0] / pictures, pictures, shape[1], shape[2], shape[3]);
  }

  private static Tensor states(ConfigFile config, TensorSource weights, int pictures) {
    var program = new ClipVisionModel(ClipVisionConfig.read(config, weights)).program(pictures);
    try (var golden = Golden.open(CASE);
        var engine = new ReferenceEngine();
        var executable = engine.load(program, weights)) {
      var outputs = executable.run(Map.of("pixel_values", pixels(golden, pictures)));
      return Objects.requireNonNull(outputs.get("image_embeds"));
    }
  }
}
