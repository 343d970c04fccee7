package io.github.tpdiff.runtime.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.Streams;
import io.github.tpdiff.weights.CheckpointException;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A place in a JSON file that is read only within limits; errors name file and place.
 *
 * @param origin the file
 * @param path fields and indices on the way here, empty at the root
 */
record CheckedField(String origin, String path, JsonNode node) {
  private static final int SHOWN = 60;

  /** A field of this object; what is not there is a missing node. */
  CheckedField get(String field) {
    return new CheckedField(origin, path.isEmpty() ? field : path + "." + field, node.path(field));
  }

  boolean isAbsent() {
    return node.isMissingNode() || node.isNull();
  }

  /** The elements of this list, at most {@code most}. */
  List<CheckedField> elements(int most) {
    require(node.isArray() && node.size() <= most, "a list of at most " + most);
    return IntStream.range(0, node.size())
        .mapToObj(i -> new CheckedField(origin, path + "[" + i + "]", node.path(i)))
        .toList();
  }

  /** The fields of this object, at most {@code most}. */
  List<String> names(int most) {
    require(node.isObject() && node.size() <= most, "an object of at most " + most + " fields");
    return Streams.stream(node.fieldNames()).toList();
  }

  /** A string of at most {@code most} characters. */
  String text(int most) {
    require(
        node.isTextual() && node.textValue().length() <= most,
        "a string of at most " + most + " characters");
    return node.textValue();
  }

  /** One of several strings. */
  String oneOf(List<String> allowed) {
    require(node.isTextual() && allowed.contains(node.textValue()), String.join(" or ", allowed));
    return node.textValue();
  }

  /** An integer from 0 to {@code most}. */
  int id(int most) {
    require(
        node.isIntegralNumber()
            && node.canConvertToInt()
            && node.intValue() >= 0
            && node.intValue() <= most,
        "an integer from 0 to " + most);
    return node.intValue();
  }

  /** A number of at most {@code most} either way. */
  double number(double most) {
    require(
        node.isNumber() && Math.abs(node.doubleValue()) <= most,
        "a number of at most " + most + " either way");
    return node.doubleValue();
  }

  /** A flag; false where it is absent. */
  boolean flag() {
    require(isAbsent() || node.isBoolean(), "true or false");
    return node.asBoolean(false);
  }

  void require(boolean holds, String expected) {
    if (!holds) {
      throw wrong(expected);
    }
  }

  CheckpointException wrong(String expected) {
    return new CheckpointException(fault(expected));
  }

  CheckpointException wrong(String expected, Throwable cause) {
    return new CheckpointException(fault(expected), cause);
  }

  private String fault(String expected) {
    String found = node.isMissingNode() ? "nothing" : node.toString();
    return "%s: %sexpected %s, found %s"
        .formatted(
            origin,
            path.isEmpty() ? "" : path + ": ",
            expected,
            found.length() <= SHOWN ? found : found.substring(0, SHOWN) + "...");
  }
}
