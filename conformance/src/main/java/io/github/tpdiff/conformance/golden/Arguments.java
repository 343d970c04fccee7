package io.github.tpdiff.conformance.golden;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.google.common.collect.ImmutableList;
import io.github.tpdiff.weights.NearestName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Named values of a case. They remember which names were asked for, so that what a case says and
 * nobody read is told instead of being passed over. Values of another type than asked for are
 * refused; a null is as good as absent.
 */
public final class Arguments {
  private final String prefix;
  private final JsonNode fields;
  private final Optional<Arguments> shared;
  private final Set<String> asked = new TreeSet<>();
  private final Map<String, List<Arguments>> groups = new LinkedHashMap<>();

  private Arguments(String prefix, JsonNode fields, Optional<Arguments> shared) {
    if (!fields.isObject()) {
      throw new CaseException(prefix + " expected a group of named values, found " + fields);
    }
    this.prefix = prefix;
    this.fields = fields;
    this.shared = shared;
  }

  /** The contents of a file. */
  static Arguments of(String file, JsonNode fields) {
    return new Arguments(file + ": ", fields, Optional.empty());
  }

  /** A value, this group's own or else the one that it shares with others. */
  private Optional<JsonNode> find(String name) {
    asked.add(name);
    Optional<JsonNode> common = shared.flatMap(others -> others.find(name));
    return fields.has(name) ? Optional.of(fields.path(name)).filter(own -> !own.isNull()) : common;
  }

  private CaseException wrong(String name, String expected, Object found) {
    return new CaseException(
        "%s%s: expected %s, found %s".formatted(prefix, name, expected, found));
  }

  private JsonNode checked(String name, JsonNode value, String expected, Predicate<JsonNode> fits) {
    if (!fits.test(value)) {
      throw wrong(name, expected, value);
    }
    return value;
  }

  private static boolean isInt(JsonNode value) {
    return value.isIntegralNumber() && value.canConvertToInt();
  }

  private <T> T require(String name, Optional<T> found) {
    return found.orElseThrow(() -> new CaseException("%s%s is missing".formatted(prefix, name)));
  }

  public Optional<String> findText(String name) {
    return find(name).map(v -> checked(name, v, "a text", JsonNode::isTextual).asText());
  }

  /**
   * A text that must be there.
   *
   * @throws CaseException if it is not, as with everything that is asked for so
   */
  public String text(String name) {
    return require(name, findText(name));
  }

  public Optional<Integer> findInteger(String name) {
    return find(name).map(v -> checked(name, v, "an integer", Arguments::isInt).asInt());
  }

  public int integer(String name) {
    return require(name, findInteger(name));
  }

  /** An integer of 64 bits, signed or not, as seeds are. */
  public long bits(String name) {
    Optional<JsonNode> found = find(name);
    JsonNode value = checked(name, require(name, found), "an integer", JsonNode::isIntegralNumber);
    if (value.bigIntegerValue().bitLength() > Long.SIZE) {
      throw wrong(name, "an integer of at most 64 bits", value);
    }
    return value.bigIntegerValue().longValue();
  }

  public Optional<Double> findNumber(String name) {
    return find(name).map(v -> checked(name, v, "a number", JsonNode::isNumber).asDouble());
  }

  public double number(String name) {
    return require(name, findNumber(name));
  }

  public Optional<Boolean> findFlag(String name) {
    return find(name).map(v -> checked(name, v, "true or false", JsonNode::isBoolean).asBoolean());
  }

  public boolean flag(String name) {
    return require(name, findFlag(name));
  }

  private Optional<List<JsonNode>> findList(String name) {
    return find(name).map(v -> ImmutableList.copyOf(checked(name, v, "a list", JsonNode::isArray)));
  }

  private Optional<List<JsonNode>> findList(
      String name, String expected, Predicate<JsonNode> fits) {
    Optional<List<JsonNode>> found = findList(name);
    found.ifPresent(list -> list.forEach(v -> checked(name, v, expected, fits)));
    return found;
  }

  public Optional<List<String>> findTexts(String name) {
    return findList(name, "a list of texts", JsonNode::isTextual)
        .map(list -> list.stream().map(JsonNode::asText).toList());
  }

  public List<String> texts(String name) {
    return require(name, findTexts(name));
  }

  public Optional<List<Double>> findNumbers(String name) {
    return findList(name, "a list of numbers", JsonNode::isNumber)
        .map(list -> list.stream().map(JsonNode::asDouble).toList());
  }

  public List<Double> numbers(String name) {
    return require(name, findNumbers(name));
  }

  public Optional<List<Integer>> findIntegers(String name) {
    return findList(name, "a list of integers", Arguments::isInt)
        .map(list -> list.stream().map(JsonNode::asInt).toList());
  }

  public List<Integer> integers(String name) {
    return require(name, findIntegers(name));
  }

  public Optional<List<Boolean>> findFlags(String name) {
    return findList(name, "a list of true and false", JsonNode::isBoolean)
        .map(list -> list.stream().map(JsonNode::asBoolean).toList());
  }

  /** Whether a value is a list, where both a list and something else say the same. */
  public boolean isList(String name) {
    return find(name).filter(JsonNode::isArray).isPresent();
  }

  /** Whether the value is what all share, of which there is one group and not one for each. */
  private boolean isShared(String name) {
    return shared.isPresent() && !fields.has(name);
  }

  /** Values with names of their own. */
  public Optional<Arguments> findGroup(String name) {
    Optional<JsonNode> found = find(name);
    if (isShared(name)) {
      return shared.flatMap(others -> others.findGroup(name));
    }
    return found.map(value -> groups.computeIfAbsent(name, n -> List.of(group(n, value))).get(0));
  }

  private Arguments group(String name, JsonNode value) {
    return new Arguments(prefix + name + ".", value, Optional.empty());
  }

  public Arguments group(String name) {
    return require(name, findGroup(name));
  }

  /**
   * The descriptions in a list; none if there is no list. A bare text is a description with that
   * {@code name} alone. What a description does not say, this group says for all.
   */
  public List<Arguments> entries(String name) {
    Optional<List<JsonNode>> found = findList(name);
    if (isShared(name)) {
      return shared.map(others -> others.entries(name)).orElse(List.of());
    }
    return found.isEmpty() ? List.of() : groups.computeIfAbsent(name, n -> entries(n, found.get()));
  }

  private List<Arguments> entries(String name, List<JsonNode> found) {
    var entries = new ArrayList<Arguments>();
    for (JsonNode entry : found) {
      JsonNode described =
          entry.isTextual() ? JsonNodeFactory.instance.objectNode().set("name", entry) : entry;
      String at = "%s%s[%d].".formatted(prefix, name, entries.size());
      entries.add(new Arguments(at, described, Optional.of(this)));
    }
    return List.copyOf(entries);
  }

  /** The names that this group gives values to, where the case chooses them. */
  public List<String> names() {
    return ImmutableList.copyOf(fields.fieldNames());
  }

  /** All values by name, for people. */
  String text() {
    return names().stream()
        .map(name -> name + " " + fields.path(name).asText())
        .collect(Collectors.joining(", "));
  }

  /** All values by name. */
  public Map<String, JsonNode> all() {
    var all = new LinkedHashMap<String, JsonNode>();
    names().forEach(name -> all.put(name, fields.path(name)));
    asked.addAll(all.keySet());
    return all;
  }

  /** Says that a value is for others than this program; the caller says why. */
  public void passOver(String name) {
    asked.add(name);
  }

  /** What nobody has asked for, a line each with the nearest name that somebody did ask for. */
  List<String> unread() {
    var unread = new ArrayList<String>();
    for (String name : names()) {
      if (!asked.contains(name)) {
        String nearest =
            NearestName.of(name, asked).map(near -> "; the nearest known is " + near).orElse("");
        unread.add("%s%s: is not known to this kind of case%s".formatted(prefix, name, nearest));
      }
    }
    groups.values().forEach(list -> list.forEach(group -> unread.addAll(group.unread())));
    return unread;
  }

  @Override
  public String toString() {
    return prefix + fields;
  }
}
