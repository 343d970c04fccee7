package io.github.tpdiff.serve;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NumericNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.serve.http.Refusal;
import io.github.tpdiff.serve.http.Refusal.Kind;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Fields as a tree, before they are a {@link VideoFields}: read from JSON or from a form, where
 * everything is text, and laid over defaults.
 */
final class FieldTree {
  private static final RecordJson<VideoFields> FIELDS = RecordJson.handWritten(VideoFields.class);
  private static final int MOST_DEPTH = 8;
  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MOST_DEPTH)
                          .maxNumberLength(40)
                          .maxNameLength(200)
                          .build())
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** Fields of which one takes the place of all others. */
  private static final List<Set<String>> ALTERNATIVES =
      List.of(
          Set.of("size", "width", "height"),
          Set.of("seconds", "num_frames"),
          Set.of("stages", "rates"),
          Set.of("num_inference_steps", "sigmas", "timesteps"),
          Set.of("guidance_scale", "guidance_scale_2", "stage_guidance"));

  private static final Set<String> NUMBERS =
      Set.of(
          "width",
          "height",
          "num_frames",
          "fps",
          "num_inference_steps",
          "guidance_scale",
          "guidance_scale_2",
          "seed",
          "stages");

  /** What others have, and why it is not here. */
  private static final Map<String, String> NOT_HERE =
      Map.of(
          "flow_shift", "choose a 'scheduler', which has its own shift",
          "boundary_ratio", "the model says where its denoisers meet",
          "n", "send the request several times, with other seeds",
          "user", "the service keeps no users");

  private static final Pattern FIELD = Pattern.compile("request: ([a-z_0-9]+)");

  /** How forms write an object's parts: {@code input_reference[image_url]}. */
  private static final Pattern NESTED =
      Pattern.compile("(input_reference|last_reference)\\[([a-z_]+)\\]");

  private FieldTree() {}

  /**
   * Reads a body.
   *
   * @throws Refusal if it is no JSON object
   */
  static ObjectNode json(byte[] body) {
    try {
      JsonNode tree = JSON.readTree(body);
      if (tree instanceof ObjectNode object) {
        if (object.get("seconds") instanceof NumericNode seconds) {
          object.set("seconds", TextNode.valueOf(seconds.asText()));
        }
        texts(object);
        return object;
      }
      throw Refusal.of(Kind.INVALID, "body: expected a JSON object");
    } catch (JsonProcessingException broken) {
      throw Refusal.of(Kind.INVALID, "body: expected JSON: " + broken.getOriginalMessage());
    } catch (IOException impossible) {
      throw Refusal.of(Kind.INVALID, "body: expected JSON in UTF-8");
    }
  }

  /** Fields of a form, where numbers and lists are texts. */
  static ObjectNode form(Map<String, String> parts) {
    ObjectNode tree = JsonNodeFactory.instance.objectNode();
    parts.forEach(
        (name, text) -> {
          Matcher nested = NESTED.matcher(name);
          if (nested.matches()) {
            tree.withObjectProperty(nested.group(1)).put(nested.group(2), text);
          } else {
            tree.set(name, NUMBERS.contains(name) ? number(name, text) : TextNode.valueOf(text));
          }
        });
    texts(tree);
    return tree;
  }

  private static JsonNode number(String name, String text) {
    try {
      if (text.length() > 40) {
        throw new NumberFormatException();
      }
      JsonNode number = JSON.readTree(text.strip());
      if (number.isNumber()) {
        return number;
      }
    } catch (JsonProcessingException | NumberFormatException notANumber) {
      // said below
    }
    throw Refusal.of(
        Kind.INVALID, name, "%s: expected a number, found '%s'".formatted(name, shown(text)));
  }

  /** Lists that are written as texts: noise levels, shares, rates, LoRAs. */
  private static void texts(ObjectNode tree) {
    for (String name : List.of("sigmas", "timesteps", "guidance_interval")) {
      if (tree.get(name) instanceof TextNode text) {
        tree.set(name, levels(name, text.textValue().strip()));
      }
    }
    for (String name : List.of("split", "rates", "stage_guidance", "lora")) {
      if (tree.get(name) instanceof TextNode text) {
        tree.set(name, list(name, text.textValue().strip()));
      }
    }
    if (tree.get("lora") instanceof ArrayNode loras) {
      for (int i = 0; i < loras.size(); i++) {
        if (loras.get(i) instanceof TextNode name) {
          loras.set(i, lora(name.textValue()));
        }
      }
    }
  }

  /** Noise levels, of stages if there are slashes. */
  private static JsonNode levels(String name, String text) {
    if (text.startsWith("[") || !text.contains("/")) {
      return list(name, text);
    }
    ArrayNode lists = JsonNodeFactory.instance.arrayNode();
    for (String stage : text.split("/", -1)) {
      lists.add(list(name, stage.strip()));
    }
    return lists;
  }

  private static JsonNode list(String name, String text) {
    if (text.startsWith("[") || text.startsWith("{")) {
      try {
        JsonNode tree = JSON.readTree(text);
        return tree.isArray() ? tree : JsonNodeFactory.instance.arrayNode().add(tree);
      } catch (JsonProcessingException broken) {
        throw Refusal.of(
            Kind.INVALID, name, "%s: expected a list, found '%s'".formatted(name, shown(text)));
      }
    }
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    if (text.isEmpty()) {
      return list;
    }
    for (String part : text.split(name.equals("split") ? "[-,]" : ",", -1)) {
      if (name.equals("lora")) {
        list.add(part.strip());
      } else if (name.equals("rates") && part.contains("x")) {
        ArrayNode axes = list.addArray();
        for (String axis : part.split("x", -1)) {
          axes.add(number(name, axis));
        }
      } else {
        list.add(number(name, part));
      }
    }
    return list;
  }

  /** {@code name}, or {@code name:0.8}. */
  private static ObjectNode lora(String text) {
    ObjectNode lora = JsonNodeFactory.instance.objectNode();
    int colon = text.lastIndexOf(':');
    lora.put("name", colon < 0 ? text : text.substring(0, colon));
    if (colon >= 0) {
      lora.set("strength", number("lora", text.substring(colon + 1)));
    }
    return lora;
  }

  /** What a client said, and what an operator said where the client left it open. */
  static ObjectNode over(ObjectNode client, ObjectNode defaults) {
    ObjectNode all = defaults.deepCopy();
    for (Set<String> alternatives : ALTERNATIVES) {
      if (alternatives.stream().anyMatch(client::has)) {
        all.remove(alternatives);
      }
    }
    all.setAll(client);
    return all;
  }

  /** Fields as a tree again, those that are left open left out. */
  static ObjectNode tree(VideoFields fields) {
    try {
      var tree = (ObjectNode) JSON.readTree(FIELDS.format(fields));
      tree.properties().removeIf(field -> field.getValue().isArray() && field.getValue().isEmpty());
      return tree;
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /**
   * The fields of a tree.
   *
   * @throws Refusal if one is unknown or of another type
   */
  static VideoFields fields(ObjectNode tree) {
    NOT_HERE.forEach(
        (field, why) -> {
          if (tree.has(field)) {
            throw Refusal.of(Kind.UNKNOWN_FIELD, field, "%s: not here; %s".formatted(field, why));
          }
        });
    tree.properties().removeIf(field -> field.getValue().isNull());
    try {
      return FIELDS.parse(tree, "request");
    } catch (CheckpointException wrong) {
      throw refusal(String.valueOf(wrong.getMessage()));
    }
  }

  private static Refusal refusal(String words) {
    Matcher field = FIELD.matcher(words);
    Kind kind = words.contains("there is no such field") ? Kind.UNKNOWN_FIELD : Kind.INVALID;
    String message = words.replaceFirst("^request: ", "");
    return field.lookingAt()
        ? Refusal.of(kind, field.group(1), message)
        : Refusal.of(kind, message);
  }

  /**
   * Seconds as a text says them.
   *
   * @throws Refusal if it does not
   */
  static double seconds(String text) {
    JsonNode number = number("seconds", text);
    BigDecimal value = number.decimalValue();
    if (value.signum() <= 0 || value.compareTo(BigDecimal.valueOf(3600)) > 0) {
      throw Refusal.of(
          Kind.INVALID,
          "seconds",
          "seconds: expected more than 0, at most 3600, found " + shown(text));
    }
    return value.doubleValue();
  }

  private static String shown(String text) {
    return text.length() <= 60 ? text : text.substring(0, 60) + "…";
  }
}
