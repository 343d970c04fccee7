package io.github.tpdiff.runtime.pipeline;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.IndentedJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A record as JSON: fields in snake_case, enum constants in lower case, and nothing taken on trust.
 *
 * <p>Every field must be there, of its own type; an unknown one is refused and the nearest known
 * one named. Errors are one line with the origin and the field.
 *
 * @param <T> the record
 */
public final class RecordJson<T> {
  /** What an exported folder and its runner need to know besides graphs and weights. */
  public static final RecordJson<PipelineDescription> PIPELINE =
      new RecordJson<>(PipelineDescription.class);

  /** The stages that a LoRA or an exported folder is made for. */
  public static final RecordJson<StageConfig> STAGES = new RecordJson<>(StageConfig.class);

  /** What a checkpoint asks to be generated when the user does not say. */
  public static final RecordJson<PipelineDescription.Defaults> DEFAULTS =
      new RecordJson<>(PipelineDescription.Defaults.class);

  /** Name of the file of {@link #DEFAULTS} in a checkpoint's folder. */
  public static final String DEFAULTS_FILE = "tpdiff_defaults.json";

  /** Name of the file of {@link #PIPELINE} in an exported folder. */
  public static final String PIPELINE_FILE = "tpdiff_pipeline.json";

  /** Name of the file of {@link #STAGES} in an exported folder. */
  public static final String STAGES_FILE = "tpdiff_stages.json";

  /** Entry of {@link #STAGES} in the header of a LoRA file. */
  public static final String STAGES_HEADER = "tpdiff.stage_plan";

  private static final ObjectMapper MAPPER = mapper();

  private final Class<T> type;

  private RecordJson(Class<T> type) {
    this.type = type;
  }

  private static ObjectMapper mapper() {
    ObjectMapper mapper =
        JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .enumNamingStrategy(constant -> constant.toLowerCase(Locale.ROOT))
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .enable(
                DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
                DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES,
                DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES,
                DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES,
                DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
            .build();
    mapper.configOverride(List.class).setSetterInfo(JsonSetter.Value.forContentNulls(Nulls.FAIL));
    // Published scheduler configurations spell "not set" as null.
    mapper.configOverride(Map.class).setSetterInfo(JsonSetter.Value.forContentNulls(Nulls.SKIP));
    return mapper;
  }

  /**
   * Reads a text.
   *
   * @param origin where it comes from, for errors
   * @throws CheckpointException if it is not such a record, naming the field
   */
  public T parse(String text, String origin) {
    JsonNode tree;
    try {
      tree = MAPPER.readTree(text);
    } catch (JsonProcessingException failure) {
      throw new CheckpointException(JsonErrors.syntax(origin, failure), failure);
    }
    return parse(tree, origin);
  }

  /**
   * Reads a tree, such as a section of another file.
   *
   * @param origin where it comes from, for errors
   * @throws CheckpointException if it is not such a record, naming the field
   */
  public T parse(JsonNode tree, String origin) {
    if (!tree.isObject()) {
      throw new CheckpointException(
          "%s: expected a JSON object, found %s".formatted(origin, JsonErrors.describe(tree)));
    }
    UnknownFields.find(tree, type)
        .ifPresent(
            unknown -> {
              throw new CheckpointException("%s: %s".formatted(origin, unknown));
            });
    try {
      return MAPPER.treeToValue(tree, type);
    } catch (JsonMappingException failure) {
      throw new CheckpointException(JsonErrors.content(origin, tree, failure), failure);
    } catch (JsonProcessingException failure) {
      throw new CheckpointException(JsonErrors.syntax(origin, failure), failure);
    }
  }

  /**
   * Reads a file.
   *
   * @throws CheckpointException if it cannot be read or is not such a record
   */
  public T read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException("%s: expected this file, found none".formatted(file));
    }
    try {
      return parse(Files.readString(file), file.toString());
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, failure), failure);
    }
  }

  /** The indented text of a record; the same record gives the same text. */
  public String format(T value) {
    // Through text: only there are maps written in the order of their keys.
    try {
      return IndentedJson.write(
          MAPPER.readValue(
              MAPPER.writeValueAsString(value), new TypeReference<Map<String, Object>>() {}));
    } catch (JsonProcessingException failure) {
      throw new CheckpointException(
          "%s: cannot be written as JSON: %s"
              .formatted(type.getSimpleName(), failure.getOriginalMessage()),
          failure);
    }
  }

  /**
   * Writes a file, whole or not at all.
   *
   * @throws CheckpointException if it cannot be written
   */
  public void write(Path file, T value) {
    AtomicFile.write(file, (format(value) + "\n").getBytes(StandardCharsets.UTF_8));
  }
}
