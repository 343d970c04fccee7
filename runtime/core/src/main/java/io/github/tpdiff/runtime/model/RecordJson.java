package io.github.tpdiff.runtime.model;

import com.fasterxml.jackson.annotation.JsonInclude;
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
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.cfg.MutableCoercionConfig;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import com.fasterxml.jackson.databind.type.LogicalType;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import io.github.tpdiff.runtime.diffusion.MagCalibration;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.IndentedJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A record as JSON: fields in snake_case, enum constants in lower case, and nothing taken on trust.
 *
 * <p>Every field must be of its own type, and there unless it is optional, a list or a map; an
 * unknown one is refused and the nearest known one named. Errors are one line with the origin and
 * the field.
 *
 * <p>Files that the program writes carry a version. Those of an earlier one are read as they were
 * meant; of a later minor version, what is not known is left out, with a note in the log.
 *
 * @param <T> the record
 */
public final class RecordJson<T> {
  private static final String VERSION = "version";

  /** What an exported folder and its runner need to know besides graphs and weights. */
  public static final RecordJson<ModelDescription> PIPELINE =
      new RecordJson<>(
          ModelDescription.class,
          Optional.of(new FormatVersion(2, 2)),
          (tree, found) -> found.major() < 2 ? EarlierDescriptions.upgraded(tree) : tree);

  /** The stages that a LoRA or an exported folder is made for. */
  public static final RecordJson<StageConfig> STAGES =
      new RecordJson<>(
          StageConfig.class,
          Optional.of(new FormatVersion(1, 2)),
          (tree, found) -> EarlierStages.upgraded(tree));

  /** How much a model's predictions change from step to step. */
  public static final RecordJson<MagCalibration> MAGCACHE =
      new RecordJson<>(
          MagCalibration.class, Optional.of(new FormatVersion(1, 0)), (tree, found) -> tree);

  /** What a checkpoint asks to be generated when the user does not say. */
  public static final RecordJson<ModelDescription.Defaults> DEFAULTS =
      handWritten(ModelDescription.Defaults.class);

  /** Name of the file of {@link #DEFAULTS} in a checkpoint's folder. */
  public static final String DEFAULTS_FILE = "tpdiff_defaults.json";

  /** Name of the file of {@link #PIPELINE} in an exported folder. */
  public static final String PIPELINE_FILE = "tpdiff_pipeline.json";

  /** Name of the file of {@link #STAGES} in an exported folder. */
  public static final String STAGES_FILE = "tpdiff_stages.json";

  /** Entry of {@link #STAGES} in the header of a LoRA file. */
  public static final String STAGES_HEADER = "tpdiff.stage_plan";

  private static final Logger LOG = LoggerFactory.getLogger(RecordJson.class);
  private static final ObjectMapper MAPPER = mapper();

  private final Class<T> type;
  private final Optional<FormatVersion> version;
  private final Upgrade upgrade;

  /**
   * @param version of the files that are written; none for what people write
   * @param upgrade of a tree of an earlier version
   */
  private RecordJson(Class<T> type, Optional<FormatVersion> version, Upgrade upgrade) {
    this.type = type;
    this.version = version;
    this.upgrade = upgrade;
  }

  /** Says in a tree of an earlier version what that version took for granted. */
  private interface Upgrade {
    ObjectNode of(ObjectNode tree, FormatVersion found);
  }

  /** JSON that people write: without a version, and every key is known or an error. */
  public static <T> RecordJson<T> handWritten(Class<T> type) {
    return new RecordJson<>(type, Optional.empty(), (tree, found) -> tree);
  }

  private static ObjectMapper mapper() {
    ObjectMapper mapper =
        JsonMapper.builder()
            .addModule(new Jdk8Module())
            .addModule(GridFactorJson.module())
            .addModule(NoiseLevelsJson.module())
            .addModule(PositionRulesJson.module())
            .addModule(new SimpleModule().addSerializer(Path.class, ToStringSerializer.instance))
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .withCoercionConfig(LogicalType.Textual, RecordJson::refuseAllButText)
            .enumNamingStrategy(constant -> constant.toLowerCase(Locale.ROOT))
            .defaultPropertyInclusion(
                JsonInclude.Value.construct(
                    JsonInclude.Include.NON_ABSENT, JsonInclude.Include.ALWAYS))
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .enable(
                DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
                DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES,
                DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES,
                DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
            .build();
    mapper
        .configOverride(List.class)
        .setSetterInfo(JsonSetter.Value.forValueNulls(Nulls.AS_EMPTY, Nulls.FAIL));
    // Published scheduler configurations spell "not set" as null.
    mapper
        .configOverride(Map.class)
        .setSetterInfo(JsonSetter.Value.forValueNulls(Nulls.AS_EMPTY, Nulls.SKIP));
    return mapper;
  }

  private static void refuseAllButText(MutableCoercionConfig strings) {
    for (CoercionInputShape other :
        List.of(CoercionInputShape.Integer, CoercionInputShape.Float, CoercionInputShape.Boolean)) {
      strings.setCoercion(other, CoercionAction.Fail);
    }
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
    if (!(tree instanceof ObjectNode object)) {
      throw new CheckpointException(
          "%s: expected a JSON object, found %s".formatted(origin, JsonErrors.describe(tree)));
    }
    ObjectNode known = object.deepCopy();
    var unknown = RecordFields.Unknown.REFUSED;
    if (version.isPresent()) {
      FormatVersion found = versionOf(known, origin);
      known.remove(VERSION);
      if (found.major() > version.get().major()) {
        throw new CheckpointException(
            "%s: version: expected at most %s, found %s; a newer tpdiff reads it"
                .formatted(origin, version.get(), found));
      }
      if (version.get().isOlderMinorThan(found)) {
        LOG.warn(
            "{}: written by a newer version ({}, this reads {}); what it adds is left out",
            origin,
            found,
            version.get());
        unknown = RecordFields.Unknown.DROPPED;
      }
      if (found.isBefore(version.get())) {
        known = upgrade.of(known, found);
      }
    }
    return record(known, origin, unknown);
  }

  private static FormatVersion versionOf(ObjectNode tree, String origin) {
    JsonNode found = tree.get(VERSION);
    try {
      return found == null ? FormatVersion.FIRST : FormatVersion.parse(found.asText());
    } catch (IllegalArgumentException wrong) {
      throw new CheckpointException("%s: %s".formatted(origin, wrong.getMessage()), wrong);
    }
  }

  private T record(ObjectNode tree, String origin, RecordFields.Unknown unknown) {
    RecordFields.fault(tree, type, unknown)
        .ifPresent(
            fault -> {
              throw new CheckpointException("%s: %s".formatted(origin, fault));
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
      Map<String, Object> fields = new LinkedHashMap<>();
      version.ifPresent(own -> fields.put(VERSION, own.toString()));
      fields.putAll(
          MAPPER.readValue(
              MAPPER.writeValueAsString(value), new TypeReference<Map<String, Object>>() {}));
      return IndentedJson.write(fields);
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
