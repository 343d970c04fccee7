package io.github.tpdiff.runtime.text;

import static com.google.common.base.Preconditions.checkArgument;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes the tokenizer folder of a made-up checkpoint: CLIP's byte-level BPE as {@code vocab.json},
 * {@code merges.txt}, {@code tokenizer_config.json} and {@code special_tokens_map.json}.
 *
 * <p>Ids: the 256 bytes, the 256 bytes that end a word, the pieces, and last {@code
 * <|startoftext|>} and {@code <|endoftext|>}, which pads too. Any text encodes; a known word is one
 * token, or few where the merges of an earlier word come first.
 */
public final class ClipTokenizerWriter {
  private final ObjectMapper json = new ObjectMapper();
  private final int length;
  private final Map<String, Integer> pieces = new LinkedHashMap<>();
  private final List<String> merges = new ArrayList<>();

  /**
   * A tokenizer that knows the given words.
   *
   * @param length tokens of a prompt at most
   * @throws IllegalArgumentException if a word is not of lower-case ASCII letters
   */
  public ClipTokenizerWriter(Collection<String> words, int length) {
    this.length = length;
    List<String> bytes = bytes();
    bytes.forEach(this::add);
    bytes.forEach(character -> add(character + ClipVocabulary.END_OF_WORD));
    for (var word : words) {
      checkArgument(word.matches("[a-z]+"), "word \"%s\": expected lower-case ASCII letters", word);
      learn(word);
    }
    add(ClipVocabulary.START);
    add(ClipVocabulary.END);
  }

  /** The characters that stand for bytes: printable ones for themselves, others from U+0100 on. */
  private static List<String> bytes() {
    var printable = new ArrayList<String>();
    var others = new ArrayList<String>();
    for (int value = 0; value < 256; value++) {
      boolean itself =
          (value >= '!' && value <= '~') || (value >= 0xA1 && value <= 0xAC) || value >= 0xAE;
      if (itself) {
        printable.add(String.valueOf((char) value));
      } else {
        others.add(String.valueOf((char) (256 + others.size())));
      }
    }
    printable.addAll(others);
    return printable;
  }

  private boolean add(String piece) {
    return pieces.putIfAbsent(piece, pieces.size()) == null;
  }

  /** Merges the word's letters from the left, each pair with a piece of its own. */
  private void learn(String word) {
    String left = word.substring(0, 1);
    for (int i = 1; i < word.length(); i++) {
      String right = word.charAt(i) + (i == word.length() - 1 ? ClipVocabulary.END_OF_WORD : "");
      if (add(left + right)) {
        merges.add(left + " " + right);
      }
      left += right;
    }
  }

  /** Number of ids, special tokens included: the least number of rows of an embedding. */
  public int vocabularySize() {
    return pieces.size();
  }

  /** Writes the files, creating the folder. */
  public void write(Path folder) throws IOException {
    Files.createDirectories(folder);
    write(folder.resolve("vocab.json"), json.writeValueAsString(pieces));
    write(folder.resolve("merges.txt"), "#version: 0.2\n" + String.join("\n", merges) + "\n");
    ObjectNode config = specialTokens();
    config.put("add_prefix_space", false).put("do_lower_case", true);
    config.put("model_max_length", length).put("tokenizer_class", "CLIPTokenizer");
    write(
        folder.resolve("tokenizer_config.json"),
        json.writerWithDefaultPrettyPrinter().writeValueAsString(config));
    write(
        folder.resolve("special_tokens_map.json"),
        json.writerWithDefaultPrettyPrinter().writeValueAsString(specialTokens()));
  }

  private static void write(Path file, String content) throws IOException {
    Files.writeString(file, content, StandardCharsets.UTF_8);
  }

  private ObjectNode specialTokens() {
    return json.createObjectNode()
        .put("bos_token", ClipVocabulary.START)
        .put("eos_token", ClipVocabulary.END)
        .put("pad_token", ClipVocabulary.END)
        .put("unk_token", ClipVocabulary.END);
  }
}
