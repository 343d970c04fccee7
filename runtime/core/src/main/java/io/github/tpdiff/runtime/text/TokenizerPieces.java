package io.github.tpdiff.runtime.text;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A tokenizer's vocabulary: the pieces of its model and the tokens added to them. */
final class TokenizerPieces {
  /** Characters of one piece. */
  static final int LONGEST = 256;

  /** Four times the widest published vocabulary. */
  private static final int MOST_PIECES = 1 << 20;

  private static final int MOST_ADDED = 4096;
  private static final double MOST_SCORE = 1e6;
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final Map<String, Integer> ids = new HashMap<>();
  private int size;

  /** One more than the highest id. */
  int size() {
    return size;
  }

  /** The model: Unigram as T5 and UMT5 have it, or byte pairs as CLIP has them. */
  ObjectNode model(CheckedField field) {
    CheckedField type = field.get("type");
    boolean unigram =
        type.isAbsent()
            ? field.node().path("vocab").isArray()
            : type.oneOf(List.of("Unigram", "BPE")).equals("Unigram");
    return unigram ? unigram(field) : bytePairs(field);
  }

  private ObjectNode unigram(CheckedField field) {
    ObjectNode model = JSON.objectNode().put("type", "Unigram");
    List<CheckedField> pieces = field.get("vocab").elements(MOST_PIECES);
    field.get("vocab").require(!pieces.isEmpty(), "at least one piece");
    model.put("unk_id", field.get("unk_id").id(pieces.size() - 1));
    ArrayNode vocabulary = model.putArray("vocab");
    for (CheckedField piece : pieces) {
      List<CheckedField> pair = piece.elements(2);
      piece.require(pair.size() == 2, "a piece and its score");
      String text = pair.get(0).text(LONGEST);
      vocabulary.addArray().add(text).add(pair.get(1).number(MOST_SCORE));
      ids.putIfAbsent(text, size++);
    }
    return model.put("byte_fallback", field.get("byte_fallback").flag());
  }

  private ObjectNode bytePairs(CheckedField field) {
    ObjectNode model = JSON.objectNode().put("type", "BPE");
    field.get("dropout").require(field.get("dropout").isAbsent(), "null: ids must not be random");
    CheckedField prefix = field.get("continuing_subword_prefix");
    prefix.require(prefix.isAbsent() || prefix.text(1).isEmpty(), "an empty prefix");
    model.putNull("dropout").put("continuing_subword_prefix", "");
    CheckedField suffix = field.get("end_of_word_suffix");
    if (!suffix.isAbsent()) {
      model.put("end_of_word_suffix", suffix.text(16));
    }
    CheckedField vocab = field.get("vocab");
    ObjectNode vocabulary = model.putObject("vocab");
    var taken = new BitSet();
    for (String piece : vocab.names(MOST_PIECES)) {
      CheckedField id = vocab.get(piece);
      id.require(piece.length() <= LONGEST, "a piece of at most " + LONGEST + " characters");
      id.require(!taken.get(id.id(MOST_PIECES)), "an id that no other piece has");
      taken.set(id.id(MOST_PIECES));
      ids.put(piece, id.id(MOST_PIECES));
      vocabulary.put(piece, id.id(MOST_PIECES));
    }
    size = taken.length();
    vocab.require(size > 0, "at least one piece");
    model.set("merges", merges(field.get("merges")));
    CheckedField unknown = field.get("unk_token");
    if (!unknown.isAbsent()) {
      model.put("unk_token", known(unknown));
    }
    return model
        .put("fuse_unk", field.get("fuse_unk").flag())
        .put("byte_fallback", field.get("byte_fallback").flag())
        .put("ignore_merges", field.get("ignore_merges").flag());
  }

  /** Pairs, in older files as one string with a space between. */
  private ArrayNode merges(CheckedField field) {
    ArrayNode merges = JSON.arrayNode();
    for (CheckedField merge : field.elements(MOST_PIECES)) {
      String[] pair =
          merge.node().isTextual()
              ? merge.text(2 * LONGEST + 1).split(" ", -1)
              : merge.elements(2).stream().map(part -> part.text(LONGEST)).toArray(String[]::new);
      merge.require(
          pair.length == 2
              && ids.containsKey(pair[0])
              && ids.containsKey(pair[1])
              && ids.containsKey(pair[0] + pair[1]),
          "two pieces that make a third of the vocabulary");
      merges.addArray().add(pair[0]).add(pair[1]);
    }
    return merges;
  }

  /** Tokens that are found in a text before it is split. */
  ArrayNode added(CheckedField field, Optional<Charsmap> charsmap) {
    ArrayNode tokens = JSON.arrayNode();
    if (field.isAbsent()) {
      return tokens;
    }
    for (CheckedField token : field.elements(MOST_ADDED)) {
      CheckedField content = token.get("content");
      String text = content.text(LONGEST);
      content.require(!text.isEmpty(), "a token");
      boolean normalized = token.get("normalized").flag();
      // The library ends the process when it looks for a token that normalizing leaves empty.
      content.require(
          !normalized || stays(text, charsmap), "a token that normalizing does not empty");
      CheckedField id = token.get("id");
      int known = ids.getOrDefault(text, id.id(MOST_PIECES));
      id.require(id.id(MOST_PIECES) == known, known + ", the id of this piece in the vocabulary");
      ids.put(text, known);
      size = Math.max(size, known + 1);
      tokens
          .addObject()
          .put("id", known)
          .put("content", text)
          .put("single_word", token.get("single_word").flag())
          .put("lstrip", token.get("lstrip").flag())
          .put("rstrip", token.get("rstrip").flag())
          .put("normalized", normalized)
          .put("special", token.get("special").flag());
    }
    return tokens;
  }

  /** Whether a text has a character that no normalizer takes away: ASCII, by itself, not mapped. */
  private static boolean stays(String text, Optional<Charsmap> charsmap) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean alone = i + 1 == text.length() || text.charAt(i + 1) < 128;
      if (c > ' ' && c < 127 && alone && charsmap.map(map -> map.keeps(c)).orElse(true)) {
        return true;
      }
    }
    return false;
  }

  /** A token that must be there under an id. */
  String token(CheckedField text, CheckedField id) {
    String token = known(text);
    int expected = ids.getOrDefault(token, 0);
    id.require(id.id(MOST_PIECES) == expected, expected + ", the id of '" + token + "'");
    return token;
  }

  private String known(CheckedField field) {
    String token = field.text(LONGEST);
    field.require(ids.containsKey(token), "a token of the vocabulary");
    return token;
  }
}
