package io.github.tpdiff.runtime.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.weights.NearestName;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Compares the fields of JSON with those of a record, before anything else is judged: a misspelt
 * field is also a missing one, and only its own name helps the user.
 */
final class RecordFields {
  private RecordFields() {}

  /** What is done with a field that a record does not have. */
  enum Unknown {
    REFUSED,
    /** Left out: a later version of the format has it. */
    DROPPED
  }

  /**
   * The first fault of a tree, as an error without its origin.
   *
   * @param node changed where fields are dropped, or records that may be missing are
   */
  static Optional<String> fault(JsonNode node, Type type, Unknown unknown) {
    return fault(node, type, "", unknown);
  }

  private static Optional<String> fault(JsonNode node, Type type, String path, Unknown unknown) {
    if (type instanceof Class<?> record && record.isRecord() && node instanceof ObjectNode object) {
      return faultInObject(object, record, path, unknown);
    }
    if (type instanceof ParameterizedType generic && node.isArray()) {
      Type element = generic.getActualTypeArguments()[0];
      for (int i = 0; i < node.size(); i++) {
        Optional<String> found = fault(node.get(i), element, path + "[" + i + "]", unknown);
        if (found.isPresent()) {
          return found;
        }
      }
    }
    if (type instanceof ParameterizedType generic
        && generic.getRawType() == Map.class
        && node.isObject()) {
      Type value = generic.getActualTypeArguments()[1];
      return node.properties().stream()
          .flatMap(
              entry ->
                  fault(entry.getValue(), value, within(path, entry.getKey()), unknown).stream())
          .findFirst();
    }
    if (type instanceof ParameterizedType generic && generic.getRawType() == Optional.class) {
      return fault(node, generic.getActualTypeArguments()[0], path, unknown);
    }
    return Optional.empty();
  }

  private static Optional<String> faultInObject(
      ObjectNode node, Class<?> record, String path, Unknown unknown) {
    Map<String, RecordComponent> known = new LinkedHashMap<>();
    for (RecordComponent component : record.getRecordComponents()) {
      known.put(SnakeCaseStrategy.INSTANCE.translate(component.getName()), component);
    }
    var names = new ArrayList<String>();
    node.fieldNames().forEachRemaining(names::add);
    for (String name : names) {
      RecordComponent component = known.get(name);
      if (component == null && unknown == Unknown.DROPPED) {
        node.remove(name);
      } else if (component == null) {
        return Optional.of(
            "%s: there is no such field; did you mean %s?"
                .formatted(
                    within(path, name), NearestName.of(name, known.keySet()).orElse("another")));
      } else {
        Optional<String> found =
            fault(node.get(name), component.getGenericType(), within(path, name), unknown);
        if (found.isPresent()) {
          return found;
        }
      }
    }
    for (Map.Entry<String, RecordComponent> field : known.entrySet()) {
      Class<?> expected = field.getValue().getType();
      if (!node.has(field.getKey()) && !mayBeMissing(expected)) {
        return Optional.of(
            "%s: expected %s, found nothing"
                .formatted(within(path, field.getKey()), JsonErrors.expected(expected)));
      }
      if (!node.has(field.getKey()) && expected.isRecord()) {
        faultInObject(node.putObject(field.getKey()), expected, path, unknown);
      }
    }
    return Optional.empty();
  }

  private static String within(String path, String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  /** Optional values, lists and maps, which are then empty, and records of nothing else. */
  private static boolean mayBeMissing(Class<?> type) {
    return List.of(Optional.class, OptionalInt.class).contains(type)
        || Collection.class.isAssignableFrom(type)
        || Map.class.isAssignableFrom(type)
        || (type.isRecord()
            && Arrays.stream(type.getRecordComponents())
                .allMatch(component -> mayBeMissing(component.getType())));
  }
}
