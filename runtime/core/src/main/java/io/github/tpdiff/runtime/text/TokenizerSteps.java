package io.github.tpdiff.runtime.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;

/**
 * The steps around a tokenizer's model that published text encoders have, checked and written anew;
 * all others are refused. No step lets a text grow without bound, and every regular expression is
 * one that is known to need time in proportion to the text.
 */
final class TokenizerSteps {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final int MOST_STEPS = 8;

  /** Unicode forms and the like, which have no fields. */
  private static final List<String> PLAIN_NORMALIZERS =
      List.of("NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents");

  /** What runs of spaces are found by. */
  private static final List<String> SPACES = List.of("\\s+", " {2,}", "\\A +| +\\z");

  /** Words as CLIP has them, with and without its two special tokens. */
  private static final List<String> WORDS =
      List.of(
          ClipVocabulary.WORD,
          ClipVocabulary.WORD.substring(ClipVocabulary.SPECIAL_WORDS.length()));

  private Optional<Charsmap> charsmap = Optional.empty();

  /** The table of replacements among the normalizers, if there is one. */
  Optional<Charsmap> charsmap() {
    return charsmap;
  }

  /** How a text is changed before it is split. */
  JsonNode normalizer(CheckedField field) {
    if (field.isAbsent()) {
      return NullNode.instance;
    }
    String type = field.get("type").text(32);
    ObjectNode step = JSON.objectNode().put("type", type);
    if (PLAIN_NORMALIZERS.contains(type)) {
      return step;
    }
    switch (type) {
      case "Sequence" -> {
        ArrayNode steps = step.putArray("normalizers");
        for (CheckedField one : field.get("normalizers").elements(MOST_STEPS)) {
          one.get("type").require(!isSequence(one), "a step, not a sequence in a sequence");
          JsonNode checked = normalizer(one);
          if (!checked.isNull()) {
            steps.add(checked);
          }
        }
      }
      case "Strip" ->
          step.put("strip_left", field.get("strip_left").flag())
              .put("strip_right", field.get("strip_right").flag());
      case "Prepend" -> step.put("prepend", character(field.get("prepend")));
      case "Replace" -> {
        step.set("pattern", pattern(field.get("pattern")));
        CheckedField content = field.get("content");
        step.put("content", content.text(2).isEmpty() ? "" : character(content));
      }
      case "Precompiled" -> {
        CheckedField map = field.get("precompiled_charsmap");
        if (map.isAbsent()) {
          return NullNode.instance; // how some converters write that nothing is replaced
        }
        map.require(charsmap.isEmpty(), "one table of replacements, not a second");
        charsmap = Optional.of(Charsmap.read(map));
        step.put("precompiled_charsmap", map.node().textValue());
      }
      default -> throw unknown(field, "normalizer");
    }
    return step;
  }

  private static boolean isSequence(CheckedField step) {
    return "Sequence".equals(step.node().path("type").textValue());
  }

  private static RuntimeException unknown(CheckedField field, String kind) {
    return field.get("type").wrong("a %s of T5, UMT5 or CLIP".formatted(kind));
  }

  /** A replacement of one character lets no text grow. */
  private static String character(CheckedField field) {
    String text = field.text(2);
    field.require(text.codePointCount(0, text.length()) == 1, "one character");
    return text;
  }

  private static ObjectNode pattern(CheckedField field) {
    CheckedField regex = field.get("Regex");
    return regex.isAbsent()
        ? JSON.objectNode().put("String", character(field.get("String")))
        : JSON.objectNode().put("Regex", regex.oneOf(SPACES));
  }

  /** How a text is split before the model sees it. */
  JsonNode preTokenizer(CheckedField field) {
    if (field.isAbsent()) {
      return NullNode.instance;
    }
    String type = field.get("type").text(32);
    ObjectNode step = JSON.objectNode().put("type", type);
    switch (type) {
      case "Sequence" -> {
        ArrayNode steps = step.putArray("pretokenizers");
        for (CheckedField one : field.get("pretokenizers").elements(MOST_STEPS)) {
          one.get("type").require(!isSequence(one), "a step, not a sequence in a sequence");
          steps.add(preTokenizer(one));
        }
      }
      case "WhitespaceSplit", "Whitespace" -> {}
      case "Metaspace" -> metaspace(field, step);
      case "ByteLevel" -> byteLevel(field, step);
      case "Split" -> {
        step.putObject("pattern").put("Regex", field.get("pattern").get("Regex").oneOf(WORDS));
        step.put("behavior", field.get("behavior").oneOf(List.of("Removed", "Isolated")));
        step.put("invert", field.get("invert").flag());
      }
      default -> throw unknown(field, "pre-tokenizer");
    }
    return step;
  }

  /** Older files say with a flag what newer ones have a word for. */
  private static void metaspace(CheckedField field, ObjectNode step) {
    step.put("replacement", character(field.get("replacement")));
    CheckedField scheme = field.get("prepend_scheme");
    CheckedField prefix = field.get("add_prefix_space");
    String said =
        scheme.isAbsent()
            ? prefix.isAbsent() || prefix.flag() ? "always" : "never"
            : scheme.oneOf(List.of("always", "first", "never"));
    step.put("prepend_scheme", said);
    CheckedField split = field.get("split");
    step.put("split", split.isAbsent() || split.flag());
  }

  private static void byteLevel(CheckedField field, ObjectNode step) {
    step.put("add_prefix_space", field.get("add_prefix_space").flag());
    step.put("trim_offsets", field.get("trim_offsets").flag());
    CheckedField regex = field.get("use_regex");
    step.put("use_regex", regex.isAbsent() || regex.flag());
  }

  /** Which special tokens are put around a text. */
  JsonNode postProcessor(CheckedField field, TokenizerPieces pieces) {
    if (field.isAbsent()) {
      return NullNode.instance;
    }
    String type = field.get("type").text(32);
    ObjectNode step = JSON.objectNode().put("type", type);
    switch (type) {
      case "Sequence" -> {
        ArrayNode steps = step.putArray("processors");
        for (CheckedField one : field.get("processors").elements(MOST_STEPS)) {
          one.get("type").require(!isSequence(one), "a step, not a sequence in a sequence");
          steps.add(postProcessor(one, pieces));
        }
      }
      case "ByteLevel" -> byteLevel(field, step);
      case "RobertaProcessing", "BertProcessing" -> {
        for (String end : List.of("sep", "cls")) {
          List<CheckedField> pair = field.get(end).elements(2);
          field.get(end).require(pair.size() == 2, "a token and its id");
          step.putArray(end).add(pieces.token(pair.get(0), pair.get(1))).add(pair.get(1).node());
        }
        step.put("trim_offsets", field.get("trim_offsets").flag());
        step.put("add_prefix_space", field.get("add_prefix_space").flag());
      }
      case "TemplateProcessing" -> template(field, step, pieces);
      default -> throw unknown(field, "post-processor");
    }
    return step;
  }

  private static void template(CheckedField field, ObjectNode step, TokenizerPieces pieces) {
    CheckedField tokens = field.get("special_tokens");
    ObjectNode known = JSON.objectNode();
    for (String name : tokens.names(16)) {
      CheckedField token = tokens.get(name);
      List<CheckedField> ids = token.get("ids").elements(16);
      List<CheckedField> texts = token.get("tokens").elements(16);
      token.get("tokens").require(ids.size() == texts.size(), "as many as ids");
      ObjectNode one = known.putObject(name).put("id", name);
      ArrayNode idList = one.putArray("ids");
      ArrayNode textList = one.putArray("tokens");
      for (int i = 0; i < ids.size(); i++) {
        textList.add(pieces.token(texts.get(i), ids.get(i)));
        idList.add(ids.get(i).node());
      }
    }
    step.set("single", templatePieces(field.get("single"), List.of("A"), known));
    step.set(
        "pair",
        field.get("pair").isAbsent()
            ? JSON.arrayNode()
            : templatePieces(field.get("pair"), List.of("A", "B"), known));
    step.set("special_tokens", known);
  }

  private static ArrayNode templatePieces(
      CheckedField field, List<String> sequences, ObjectNode known) {
    ArrayNode pieces = JSON.arrayNode();
    int texts = 0;
    for (CheckedField piece : field.elements(16)) {
      boolean isText = piece.node().has("Sequence");
      CheckedField one = piece.get(isText ? "Sequence" : "SpecialToken");
      String id = one.get("id").text(TokenizerPieces.LONGEST);
      one.get("id")
          .require(
              isText ? sequences.contains(id) : known.has(id),
              isText ? "A or B" : "one of special_tokens");
      texts += isText ? 1 : 0;
      pieces
          .addObject()
          .putObject(isText ? "Sequence" : "SpecialToken")
          .put("id", id)
          .put("type_id", one.get("type_id").isAbsent() ? 0 : one.get("type_id").id(1));
    }
    field.require(texts == sequences.size(), "each text once: " + sequences);
    return pieces;
  }
}
