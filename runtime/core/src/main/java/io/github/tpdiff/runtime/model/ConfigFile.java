package io.github.tpdiff.runtime.model;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A component's {@code config.json}. Fields may be absent or null, and unknown ones are ignored:
 * files of every age are about.
 *
 * @param origin the file, for messages
 */
public record ConfigFile(String origin, JsonNode fields) {
  /** More than any extent of a published network; the widest vocabularies have a quarter of it. */
  public static final int LARGEST_SIZE = 1 << 20;

  /** More than any published configuration has. */
  private static final long LARGEST_FILE = 1 << 22;

  /** Python writes infinities into JSON. */
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  /** The file if it exists, else a configuration without fields. */
  public static ConfigFile open(Path file) {
    if (!Files.isRegularFile(file)) {
      return none(file);
    }
    try {
      if (Files.size(file) > LARGEST_FILE) {
        throw new ConfigException(
            "%s: expected a configuration of at most %d bytes, found %d"
                .formatted(file, LARGEST_FILE, Files.size(file)));
      }
      JsonNode root = JSON.readTree(file.toFile());
      if (!root.isObject()) {
        throw new ConfigException(file + ": expected a JSON object, found " + kind(root));
      }
      return new ConfigFile(file.toString(), root);
    } catch (IOException e) {
      String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      throw new ConfigException(file + ": expected JSON: " + reason, e);
    }
  }

  /** The configuration of a scheduler: the file, or the one in a folder of that name. */
  public static ConfigFile scheduler(Path path) {
    return open(Files.isDirectory(path) ? path.resolve("scheduler_config.json") : path);
  }

  /** A configuration without fields, in place of one that {@code file} has not. */
  public static ConfigFile none(Path file) {
    return new ConfigFile(file.toString(), JsonNodeFactory.instance.objectNode());
  }

  /**
   * With what somebody knows beside the file.
   *
   * @param told fields and their values
   * @throws ConfigException where the file says otherwise
   */
  public ConfigFile with(Map<String, ?> told) {
    ObjectNode all = JsonNodeFactory.instance.objectNode();
    told.forEach((field, value) -> all.set(field, JSON.valueToTree(value)));
    fields
        .properties()
        .forEach(
            own -> {
              JsonNode other = all.replace(own.getKey(), own.getValue());
              if (other != null && !other.equals(ConfigFile::compare, own.getValue())) {
                throw wrong(own.getKey(), other + ", as is told beside the file", own.getValue());
              }
            });
    return new ConfigFile(origin, all);
  }

  /** 0 for what is equal: numbers by their values, whatever their types. */
  private static int compare(JsonNode left, JsonNode right) {
    boolean same =
        (left.isNumber() && right.isNumber())
            ? left.doubleValue() == right.doubleValue()
            : left.equals(right);
    return same ? 0 : 1;
  }

  /** The class the file was written for, under diffusers' name for it or transformers'. */
  public Optional<String> className() {
    return findString("_class_name")
        .or(() -> Optional.ofNullable(fields.path("architectures").path(0).textValue()));
  }

  private static String kind(JsonNode node) {
    return node.getNodeType().name().toLowerCase(Locale.ROOT);
  }

  private Optional<JsonNode> find(String field) {
    JsonNode node = fields.path(field);
    return node.isMissingNode() || node.isNull() ? Optional.empty() : Optional.of(node);
  }

  /** A field of any kind as text, strings without quotes, if the field is there. */
  public Optional<String> findAny(String field) {
    return find(field).map(node -> node.isValueNode() ? node.asText() : node.toString());
  }

  /** An integer from 1 to {@link #LARGEST_SIZE}, if the field is there. */
  public Optional<Integer> findInt(String field) {
    return find(field).map(node -> size(field, node));
  }

  private int size(String field, JsonNode node) {
    if (!node.isIntegralNumber()
        || !node.canConvertToInt()
        || node.intValue() < 1
        || node.intValue() > LARGEST_SIZE) {
      throw wrong(field, "an integer from 1 to " + LARGEST_SIZE, node);
    }
    return node.intValue();
  }

  /** A finite number, if the field is there. */
  public Optional<Double> findDouble(String field) {
    return find(field).map(node -> number(field, node));
  }

  /** What keeps a division from 0: a number from 0 up to 1, if the field is there. */
  public Optional<Double> findEps(String field) {
    return findDouble(field)
        .map(
            eps -> {
              if (eps < 0 || eps >= 1) {
                throw wrong(field, "a number from 0 up to 1", eps);
              }
              return eps;
            });
  }

  private double number(String field, JsonNode node) {
    if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
      throw wrong(field, "a finite number", node);
    }
    return node.doubleValue();
  }

  /** A string, if the field is there. */
  public Optional<String> findString(String field) {
    return find(field).map(node -> text(field, node));
  }

  /** A list of integers from 1 to {@link #LARGEST_SIZE}, if the field is there. */
  public Optional<List<Integer>> findInts(String field) {
    return findList(field).map(list -> list.stream().map(n -> size(field, n)).toList());
  }

  /** A list of finite numbers, if the field is there. */
  public Optional<List<Double>> findDoubles(String field) {
    return findList(field).map(list -> list.stream().map(n -> number(field, n)).toList());
  }

  /** A list of flags, if the field is there. */
  public Optional<List<Boolean>> findBooleans(String field) {
    return findList(field).map(list -> list.stream().map(n -> flag(field, n)).toList());
  }

  /** A flag, if the field is there. */
  public Optional<Boolean> findFlag(String field) {
    return find(field).map(node -> flag(field, node));
  }

  /** A list of strings, if the field is there. */
  public Optional<List<String>> findStrings(String field) {
    return findList(field).map(list -> list.stream().map(n -> text(field, n)).toList());
  }

  /** The fields within a field, if it has any; a field may also say the same in a number. */
  public Optional<ConfigFile> findGroup(String field) {
    return find(field)
        .filter(JsonNode::isObject)
        .map(group -> new ConfigFile(origin + ": " + field, group));
  }

  private String text(String field, JsonNode node) {
    return Optional.ofNullable(node.textValue()).orElseThrow(() -> wrong(field, "a string", node));
  }

  private boolean flag(String field, JsonNode node) {
    if (!node.isBoolean()) {
      throw wrong(field, "true or false", node);
    }
    return node.booleanValue();
  }

  private Optional<List<JsonNode>> findList(String field) {
    return find(field)
        .map(
            node -> {
              if (!node.isArray()) {
                throw wrong(field, "a list", node);
              }
              var list = new ArrayList<JsonNode>();
              node.forEach(list::add);
              return list;
            });
  }

  /**
   * All fields as plain maps, lists, strings, numbers and booleans. Nulls are left out, and
   * infinities, which JSON cannot say: both are how upstream writes that a limit is not set.
   */
  public Map<String, Object> toMap() {
    var map = JSON.convertValue(fields, new TypeReference<LinkedHashMap<String, Object>>() {});
    map.values()
        .removeIf(value -> value == null || (value instanceof Double limit && limit.isInfinite()));
    return map;
  }

  /**
   * What {@code read} makes of the configuration.
   *
   * @throws ConfigException if it refuses a value, with the file's name
   */
  public <T> T checked(Supplier<T> read) {
    try {
      return read.get();
    } catch (IllegalArgumentException refused) {
      throw new ConfigException(origin + ": " + refused.getMessage(), refused);
    }
  }

  public ConfigException wrong(String field, String expected, Object found) {
    return new ConfigException(
        "%s: %s: expected %s, found %s".formatted(origin, field, expected, found));
  }
}
