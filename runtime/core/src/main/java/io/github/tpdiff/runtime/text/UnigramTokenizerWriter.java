package io.github.tpdiff.runtime.text;

import static com.google.common.base.Preconditions.checkArgument;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.weights.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes the tokenizer folder of a made-up checkpoint: a SentencePiece-Unigram {@code
 * tokenizer.json} in T5's form, {@code tokenizer_config.json} and {@code special_tokens_map.json}.
 *
 * <p>Ids: {@code <pad>} 0, {@code </s>} 1, {@code <unk>} 2, then the word mark, the printable ASCII
 * characters and the words. Any English text encodes without {@code <unk>}; a known word that
 * starts after a space is one token.
 */
public final class UnigramTokenizerWriter {
  private static final String MARK = "▁";
  private static final List<String> SPECIAL = List.of("<pad>", "</s>", "<unk>");

  /** Log-probabilities: a word always beats the characters it is made of. */
  private static final double CHARACTER_SCORE = -12;

  private static final double WORD_SCORE = -6;

  private final ObjectMapper json = new ObjectMapper();
  private final Map<String, Double> pieces = new LinkedHashMap<>();
  private final int maxLength;

  /**
   * A tokenizer that knows the given words.
   *
   * @param maxLength tokens that a text may have, the end included
   * @throws IllegalArgumentException if a word is empty or holds a space or the word mark
   */
  public UnigramTokenizerWriter(Collection<String> words, int maxLength) {
    this.maxLength = maxLength;
    SPECIAL.forEach(token -> pieces.put(token, 0.0));
    pieces.put(MARK, CHARACTER_SCORE);
    for (char c = '!'; c <= '~'; c++) {
      pieces.put(String.valueOf(c), CHARACTER_SCORE);
    }
    for (var word : words) {
      checkArgument(
          !word.isEmpty() && word.chars().noneMatch(c -> Character.isWhitespace(c) || c == '▁'),
          "word \"%s\": expected characters other than spaces and %s",
          word,
          MARK);
      pieces.put(MARK + word, WORD_SCORE);
    }
  }

  /** Number of ids, special tokens included: the least number of rows of an embedding. */
  public int vocabularySize() {
    return pieces.size();
  }

  /** Writes the three files, creating the folder. */
  public void write(Path folder) throws IOException {
    writeJson(folder.resolve("tokenizer.json"), tokenizer());
    writeJson(folder.resolve("tokenizer_config.json"), tokenizerConfig());
    writeJson(folder.resolve("special_tokens_map.json"), specialTokens());
  }

  private void writeJson(Path file, ObjectNode content) throws IOException {
    AtomicFile.write(file, json.writerWithDefaultPrettyPrinter().writeValueAsBytes(content));
  }

  private ObjectNode tokenizer() {
    var root = json.createObjectNode();
    root.put("version", "1.0").putNull("truncation").putNull("padding");
    root.set("added_tokens", addedTokens());
    root.putNull("normalizer");
    var splitters =
        root.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
    splitters.addObject().put("type", "WhitespaceSplit");
    splitters.add(metaspace());
    root.set("post_processor", postProcessor());
    root.set("decoder", metaspace());
    root.set("model", model());
    return root;
  }

  private ArrayNode addedTokens() {
    var tokens = json.createArrayNode();
    for (int id = 0; id < SPECIAL.size(); id++) {
      tokens.add(describe(SPECIAL.get(id)).put("id", id));
    }
    return tokens;
  }

  private ObjectNode describe(String token) {
    return json.createObjectNode()
        .put("content", token)
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", false)
        .put("special", true);
  }

  private ObjectNode metaspace() {
    return json.createObjectNode()
        .put("type", "Metaspace")
        .put("replacement", MARK)
        .put("prepend_scheme", "always")
        .put("split", true);
  }

  private ObjectNode postProcessor() {
    var processor = json.createObjectNode().put("type", "TemplateProcessing");
    addSequence(processor.putArray("single"), "A");
    addSequence(addSequence(processor.putArray("pair"), "A"), "B");
    var end = processor.putObject("special_tokens").putObject("</s>").put("id", "</s>");
    end.putArray("ids").add(1);
    end.putArray("tokens").add("</s>");
    return processor;
  }

  private static ArrayNode addSequence(ArrayNode template, String id) {
    template.addObject().putObject("Sequence").put("id", id).put("type_id", 0);
    template.addObject().putObject("SpecialToken").put("id", "</s>").put("type_id", 0);
    return template;
  }

  private ObjectNode model() {
    var model = json.createObjectNode().put("type", "Unigram").put("unk_id", 2);
    var vocabulary = model.putArray("vocab");
    pieces.forEach((piece, score) -> vocabulary.addArray().add(piece).add(score));
    return model.put("byte_fallback", false);
  }

  private ObjectNode tokenizerConfig() {
    var config = json.createObjectNode();
    var decoder = config.putObject("added_tokens_decoder");
    for (int id = 0; id < SPECIAL.size(); id++) {
      decoder.set(String.valueOf(id), describe(SPECIAL.get(id)));
    }
    config.putArray("additional_special_tokens");
    config.put("clean_up_tokenization_spaces", true).put("extra_ids", 0);
    config.put("model_max_length", maxLength).put("tokenizer_class", "T5Tokenizer");
    return config.setAll(specialTokens());
  }

  private ObjectNode specialTokens() {
    return json.createObjectNode()
        .put("pad_token", SPECIAL.get(0))
        .put("eos_token", SPECIAL.get(1))
        .put("unk_token", SPECIAL.get(2));
  }
}
