package io.github.tpdiff.runtime.pipeline;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.github.tpdiff.weights.NearestName;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What a JSON library found wrong, in one line for the user. */
final class JsonErrors {
  private static final Pattern MISSING =
      Pattern.compile("(?:Missing required|Null value for) creator property '([^']+)'");
  private static final int SHOWN = 60;

  private JsonErrors() {}

  static String syntax(String origin, JsonProcessingException failure) {
    String place =
        Optional.ofNullable(failure.getLocation())
            .map(at -> " at line %d, column %d".formatted(at.getLineNr(), at.getColumnNr()))
            .orElse("");
    return "%s: expected JSON%s: %s"
        .formatted(origin, place, firstLine(failure.getOriginalMessage()));
  }

  static String content(String origin, JsonNode tree, JsonMappingException failure) {
    String field = field(failure);
    if (failure instanceof UnrecognizedPropertyException unknown) {
      return "%s: %s: there is no such field%s"
          .formatted(
              origin, field, nearest(unknown).map(n -> "; did you mean " + n + "?").orElse(""));
    }
    var missing = MISSING.matcher(firstLine(failure.getOriginalMessage()));
    if (missing.find()) {
      String name = missing.group(1);
      String full =
          field.isEmpty() || field.endsWith(name) ? name(field, name) : field + "." + name;
      return "%s: %s: expected a value, found none".formatted(origin, full);
    }
    if (failure instanceof ValueInstantiationException && failure.getCause() != null) {
      return "%s: %s".formatted(origin, firstLine(failure.getCause().getMessage()));
    }
    if (failure instanceof MismatchedInputException mismatch && mismatch.getTargetType() != null) {
      return "%s: %s: expected %s, found %s"
          .formatted(
              origin, field, expected(mismatch.getTargetType()), describe(at(tree, failure)));
    }
    return "%s: %s: %s".formatted(origin, field, firstLine(failure.getOriginalMessage()));
  }

  /** A short form of what was found. */
  static String describe(JsonNode node) {
    if (node.isMissingNode()) {
      return "nothing";
    }
    String text = node.toString();
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
  }

  private static String name(String field, String name) {
    return field.isEmpty() ? name : field;
  }

  private static Optional<String> nearest(UnrecognizedPropertyException unknown) {
    return Optional.ofNullable(unknown.getKnownPropertyIds())
        .flatMap(
            known ->
                NearestName.of(
                    unknown.getPropertyName(), known.stream().map(Object::toString).toList()));
  }

  private static String field(JsonMappingException failure) {
    var field = new StringBuilder();
    for (var step : failure.getPath()) {
      if (step.getFieldName() == null) {
        field.append('[').append(step.getIndex()).append(']');
      } else {
        field.append(field.isEmpty() ? "" : ".").append(step.getFieldName());
      }
    }
    return field.toString();
  }

  private static JsonNode at(JsonNode tree, JsonMappingException failure) {
    JsonNode node = tree;
    for (var step : failure.getPath()) {
      node =
          step.getFieldName() == null ? node.path(step.getIndex()) : node.path(step.getFieldName());
    }
    return node == null ? MissingNode.getInstance() : node;
  }

  private static String expected(Class<?> type) {
    if (type.isEnum()) {
      return Arrays.stream(type.getEnumConstants())
          .map(constant -> ((Enum<?>) constant).name().toLowerCase(Locale.ROOT))
          .collect(Collectors.joining(" or "));
    }
    if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
      return "an integer";
    }
    if (type == double.class || type == Double.class) {
      return "a number";
    }
    if (type == boolean.class || type == Boolean.class) {
      return "true or false";
    }
    if (type == String.class) {
      return "a string";
    }
    return Iterable.class.isAssignableFrom(type) ? "a list" : "an object";
  }

  private static String firstLine(@org.jspecify.annotations.Nullable String message) {
    return message == null ? "no reason given" : message.lines().findFirst().orElse("");
  }
}
