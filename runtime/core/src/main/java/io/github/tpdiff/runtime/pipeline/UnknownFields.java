package io.github.tpdiff.runtime.pipeline;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import io.github.tpdiff.weights.NearestName;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Looks for fields that a record does not have, before anything else is judged: a misspelt field is
 * also a missing one, and only its own name helps the user.
 */
final class UnknownFields {
  private UnknownFields() {}

  /** The first unknown field and the nearest known one, as an error without its origin. */
  static Optional<String> find(JsonNode node, Type type) {
    return find(node, type, "");
  }

  private static Optional<String> find(JsonNode node, Type type, String path) {
    return type instanceof Class<?> record && record.isRecord() && node.isObject()
        ? findInObject(node, record, path)
        : Optional.empty();
  }

  private static Optional<String> findInObject(JsonNode node, Class<?> record, String path) {
    Map<String, Type> known = new LinkedHashMap<>();
    for (RecordComponent component : record.getRecordComponents()) {
      known.put(
          SnakeCaseStrategy.INSTANCE.translate(component.getName()), component.getGenericType());
    }
    for (var field : node.properties()) {
      String name = field.getKey();
      String full = path.isEmpty() ? name : path + "." + name;
      Type type = known.get(name);
      Optional<String> found =
          type == null
              ? Optional.of(
                  "%s: there is no such field; did you mean %s?"
                      .formatted(full, NearestName.of(name, known.keySet()).orElse("another")))
              : find(field.getValue(), type, full);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }
}
