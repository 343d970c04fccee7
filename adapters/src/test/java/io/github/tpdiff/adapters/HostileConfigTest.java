package io.github.tpdiff.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.google.common.collect.ImmutableList;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.engine.ProgramWeights;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Numbers that no network has, in the place of every number of every configuration. */
final class HostileConfigTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final List<String> HOSTILE =
      List.of(
          "0",
          "-1",
          "1e-320",
          "1000000000",
          "9223372036854775808",
          "NaN",
          "1e400",
          "\"text\"",
          "[]",
          "{\"a\": {\"b\": 1}}",
          "null");

  @TempDir private static Path root;
  private static final Map<String, Path> WRITTEN = new HashMap<>();

  @ParameterizedTest
  @CsvSource({
    "wan-tiny, transformer/config.json",
    "wan-tiny, vae/config.json",
    "wan-tiny, text_encoder/config.json",
    "wan-tiny, scheduler/scheduler_config.json",
    "wan-i2v-tiny, transformer/config.json",
    "wan-i2v-tiny, image_encoder/config.json",
    "wan-i2v-tiny, image_processor/preprocessor_config.json",
    "wan22-5b-tiny, transformer/config.json",
    "wan22-5b-tiny, vae/config.json",
    "wan22-a14b-tiny, model_index.json",
    "animatediff-tiny, unet/config.json",
    "animatediff-tiny, motion_adapter/config.json",
    "animatediff-tiny, vae/config.json",
    "animatediff-tiny, text_encoder/config.json",
    "animatediff-tiny, scheduler/scheduler_config.json",
  })
  void everyNumberOfEveryConfiguration_isHeldToItsRange(String template, String file)
      throws IOException {
    Path folder = checkpoint(template);
    Path config = folder.resolve(file);
    String published = Files.readString(config);
    try {
      for (String hostile : variants(published)) {
        Files.writeString(config, hostile);
        try {
          use(template, folder);
        } catch (CheckpointException | IllegalArgumentException refused) {
          assertThat(refused).hasMessageContaining(".json: ").hasMessageNotContaining("\n");
        } catch (RuntimeException | Error unexpected) {
          throw new AssertionError(file + ": " + hostile, unexpected);
        }
      }
    } finally {
      Files.writeString(config, published);
    }
    use(template, folder);
  }

  /** What the memory of a machine would not hold is refused before anything is built. */
  @ParameterizedTest
  @CsvSource({
    "wan-tiny, transformer, num_layers, 1000000000",
    "wan-tiny, transformer, ffn_dim, 1000000",
    "wan-tiny, vae, base_dim, 1000000",
    "wan-tiny, vae, num_res_blocks, 1000000",
    "wan-tiny, text_encoder, vocab_size, 1000000",
    "wan-tiny, text_encoder, relative_attention_max_distance, 1000000",
    "animatediff-tiny, unet, layers_per_block, 1000000000",
    "animatediff-tiny, unet, cross_attention_dim, 1000000",
    "animatediff-tiny, unet, norm_num_groups, 1000000",
    "animatediff-tiny, unet, attention_head_dim, 1000000",
    "animatediff-tiny, motion_adapter, motion_num_attention_heads, 1000000",
    "animatediff-tiny, vae, layers_per_block, 1000000",
    "animatediff-tiny, text_encoder, num_hidden_layers, 1000000",
  })
  void tooLargeSize_isNamedWithFileAndField(
      String template, String component, String field, String value) throws IOException {
    Path folder = checkpoint(template);
    Path config = folder.resolve(component).resolve("config.json");
    String published = Files.readString(config);
    try {
      var changed = (ObjectNode) JSON.readTree(published);
      changed.set(field, JSON.readTree(value));
      Files.writeString(config, changed.toString());
      assertThatThrownBy(() -> use(template, folder))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(config + ": ")
          .hasMessageContaining(field)
          .hasMessageContaining("found " + value);
    } finally {
      Files.writeString(config, published);
    }
  }

  /** What every command does first. */
  private static void use(String template, Path folder) {
    try (VideoModel model = family(template).open(folder)) {
      model.components().values().forEach(c -> ProgramWeights.check(c.program(), c.weights()));
      Scheduler.fromConfig(model.description().scheduler()).schedule().steps(3);
    }
  }

  private static ModelFamily family(String template) {
    return ModelFamily.all().stream()
        .filter(family -> family.templates().containsKey(template))
        .findFirst()
        .orElseThrow();
  }

  private static synchronized Path checkpoint(String template) {
    return WRITTEN.computeIfAbsent(
        template,
        name -> {
          Path folder = root.resolve(name);
          CheckpointTemplate made = Objects.requireNonNull(family(name).templates().get(name));
          made.write(
              new CheckpointTemplate.Order(
                  folder, DType.F32, made.components(), (bytes, total) -> {}));
          return folder;
        });
  }

  /** The text with every number, list and element of a list replaced by each hostile value. */
  private static List<String> variants(String published) throws IOException {
    var variants = new ArrayList<String>();
    JsonNode tree = JSON.readTree(published);
    var fields = (ObjectNode) tree;
    for (String field : ImmutableList.copyOf(tree.fieldNames())) {
      JsonNode value = fields.get(field);
      if (value.isNumber() || value.isArray()) {
        each(tree, marker -> fields.set(field, marker), variants);
      }
      if (value instanceof ArrayNode list && !list.isEmpty() && list.get(0).isNumber()) {
        fields.set(field, value);
        JsonNode last = list.get(list.size() - 1);
        each(tree, marker -> list.set(list.size() - 1, marker), variants);
        list.set(list.size() - 1, last);
      }
      fields.set(field, value);
    }
    return variants;
  }

  private static void each(JsonNode tree, Consumer<JsonNode> put, List<String> variants) {
    String marker = "the value";
    put.accept(TextNode.valueOf(marker));
    String text = tree.toString();
    HOSTILE.forEach(value -> variants.add(text.replace('"' + marker + '"', value)));
  }
}
