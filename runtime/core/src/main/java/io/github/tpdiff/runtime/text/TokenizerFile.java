package io.github.tpdiff.runtime.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A {@code tokenizer.json} that is safe to hand to the native library, which ends the process at a
 * damaged table, a missing token or an index out of bounds, and takes any memory it is told to.
 *
 * <p>Only what text encoders are published with is let through, and that is written anew: fields
 * that are not known, and those for decoding, truncation and padding, are left out.
 *
 * @param json for the library
 * @param vocabularySize one more than the highest id
 */
record TokenizerFile(String json, int vocabularySize) {
  /** UMT5's file of 256,000 pieces has 17 MB. */
  private static final long MOST_BYTES = 1 << 26;

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * Reads a file.
   *
   * @throws CheckpointException naming file and field, if anything in it is not as published
   */
  static TokenizerFile read(Path file) throws IOException {
    long size = Files.size(file);
    if (size > MOST_BYTES) {
      throw new CheckpointException(
          "%s: expected a tokenizer of at most %d bytes, found %d"
              .formatted(file, MOST_BYTES, size));
    }
    return parse(Files.readAllBytes(file), file.toString());
  }

  /**
   * Reads a text.
   *
   * @param origin for messages
   */
  static TokenizerFile parse(byte[] text, String origin) {
    JsonNode tree;
    try {
      tree = JSON.readTree(text);
    } catch (IOException malformed) {
      String reason =
          malformed instanceof JsonProcessingException syntax
              ? syntax.getOriginalMessage()
              : malformed.getMessage();
      throw new CheckpointException(
          "%s: expected a tokenizer, found no JSON: %s".formatted(origin, reason), malformed);
    }
    var root = new CheckedField(origin, "", tree);
    root.require(tree != null && tree.isObject(), "a tokenizer");
    var pieces = new TokenizerPieces();
    var steps = new TokenizerSteps();
    ObjectNode checked = JSON.createObjectNode().put("version", "1.0");
    checked.putNull("truncation").putNull("padding");
    ObjectNode model = pieces.model(root.get("model"));
    JsonNode normalizer = steps.normalizer(root.get("normalizer"));
    checked.set("added_tokens", pieces.added(root.get("added_tokens"), steps.charsmap()));
    checked.set("normalizer", normalizer);
    checked.set("pre_tokenizer", steps.preTokenizer(root.get("pre_tokenizer")));
    checked.set("post_processor", steps.postProcessor(root.get("post_processor"), pieces));
    checked.putNull("decoder");
    checked.set("model", model);
    try {
      return new TokenizerFile(JSON.writeValueAsString(checked), pieces.size());
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(origin, impossible);
    }
  }
}
