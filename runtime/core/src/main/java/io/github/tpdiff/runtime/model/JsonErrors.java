package io.github.tpdiff.runtime.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.NoiseLevels;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a JSON library found wrong, in one line for the user. */
final class JsonErrors {
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
    return node;
  }

  static String expected(Class<?> type) {
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
    if (type == String.class || type == Path.class) { // a path is an Iterable of its names
      return "a string";
    }
    if (type == GridFactor.class) {
      return GridFactorJson.EXPECTED;
    }
    if (type == NoiseLevels.class) {
      return NoiseLevelsJson.EXPECTED;
    }
    if (type == PositionRules.class) {
      return PositionRulesJson.EXPECTED;
    }
    return Iterable.class.isAssignableFrom(type) ? "a list" : "an object";
  }

  private static String firstLine(@org.jspecify.annotations.Nullable String message) {
    return message == null ? "no reason given" : message.lines().findFirst().orElse("");
  }
}
