package io.github.tpdiff.runtime.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * CLIP's byte-level BPE as {@code vocab.json} and {@code merges.txt}, the form in which most
 * checkpoints have it.
 *
 * @param pieces the fields of {@code vocab.json}: pieces with their ids
 * @param merges pairs of pieces, first merged first
 */
record ClipVocabulary(ObjectNode pieces, List<Merge> merges) {
  static final String FILE = "vocab.json";
  static final String START = "<|startoftext|>";
  static final String END = "<|endoftext|>";
  static final String END_OF_WORD = "</w>";

  private static final String MERGES = "merges.txt";
  private static final String CONFIG = "tokenizer_config.json";

  /** CLIP's own split of a text into words; the alternatives are tried from the left. */
  /** The start of {@link #WORD} that newer files have. */
  static final String SPECIAL_WORDS = "<\\|startoftext\\|>|<\\|endoftext\\|>|";

  static final String WORD =
      SPECIAL_WORDS + "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Two neighbouring pieces that become one. */
  record Merge(String left, String right) {}

  ClipVocabulary {
    merges = List.copyOf(merges);
  }

  /**
   * Reads both files.
   *
   * @throws IOException if one is missing or not what it should be, or the folder is another
   *     tokenizer's; the message names it
   */
  static ClipVocabulary read(Path folder) throws IOException {
    requireClip(folder.resolve(CONFIG));
    Path file = folder.resolve(FILE);
    return new ClipVocabulary(pieces(file), merges(folder.resolve(MERGES)));
  }

  private static void requireClip(Path config) throws IOException {
    if (!Files.isRegularFile(config)) {
      return;
    }
    JsonNode type = JSON.readTree(config.toFile()).path("tokenizer_class");
    if (type.isTextual() && !type.textValue().startsWith("CLIPTokenizer")) {
      throw new IOException(
          "%s: tokenizer_class: without tokenizer.json expected CLIPTokenizer, found %s; download tokenizer.json from where the rest came"
              .formatted(config, type.textValue()));
    }
  }

  private static ObjectNode pieces(Path file) throws IOException {
    if (!(JSON.readTree(file.toFile()) instanceof ObjectNode pieces)) {
      throw new IOException(file + ": expected a JSON object of pieces and ids");
    }
    for (var piece : pieces.properties()) {
      if (!piece.getValue().isIntegralNumber() || !piece.getValue().canConvertToInt()) {
        throw new IOException(
            "%s: '%s': expected an id, found %s".formatted(file, piece.getKey(), piece.getValue()));
      }
    }
    for (var special : List.of(START, END)) {
      if (!pieces.has(special)) {
        throw new IOException(file + ": expected the piece " + special + ", found none");
      }
    }
    return pieces;
  }

  private static List<Merge> merges(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          file + ": expected this file beside vocab.json; download it from where the rest came");
    }
    var merges = new ArrayList<Merge>();
    // Not by lines(): a piece may be a character at which that breaks too.
    String[] lines = Files.readString(file, StandardCharsets.UTF_8).split("\n", -1);
    for (int i = 0; i < lines.length; i++) {
      String line =
          lines[i].endsWith("\r") ? lines[i].substring(0, lines[i].length() - 1) : lines[i];
      if (line.isEmpty() || (i == 0 && line.startsWith("#version"))) {
        continue;
      }
      int space = line.indexOf(' ');
      if (space <= 0 || space == line.length() - 1 || line.indexOf(' ', space + 1) >= 0) {
        throw new IOException(
            "%s: line %d: expected two pieces and a space between, found '%s'"
                .formatted(file, i + 1, line));
      }
      merges.add(new Merge(line.substring(0, space), line.substring(space + 1)));
    }
    return merges;
  }

  /** The same tokenizer in the form of {@code tokenizer.json}. */
  byte[] tokenizerJson() throws IOException {
    var root = JSON.createObjectNode();
    root.put("version", "1.0").putNull("truncation").putNull("padding");
    root.set("added_tokens", JSON.valueToTree(List.of(special(START), special(END))));
    root.set("normalizer", normalizer());
    root.set("pre_tokenizer", preTokenizer());
    var around = root.putObject("post_processor").put("type", "RobertaProcessing");
    around.putArray("sep").add(END).add(pieces.path(END).intValue());
    around.putArray("cls").add(START).add(pieces.path(START).intValue());
    around.put("trim_offsets", false).put("add_prefix_space", false);
    root.set("decoder", byteLevel(true));
    root.set("model", model());
    return JSON.writeValueAsBytes(root);
  }

  private ObjectNode special(String token) {
    return JSON.createObjectNode()
        .put("id", pieces.path(token).intValue())
        .put("content", token)
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", token.equals(START))
        .put("special", true);
  }

  private static ObjectNode normalizer() {
    var sequence = JSON.createObjectNode().put("type", "Sequence");
    var steps = sequence.putArray("normalizers");
    steps.addObject().put("type", "NFC");
    var spaces = steps.addObject().put("type", "Replace");
    spaces.putObject("pattern").put("Regex", "\\s+");
    spaces.put("content", " ");
    steps.addObject().put("type", "Lowercase");
    return sequence;
  }

  private static ObjectNode preTokenizer() {
    var sequence = JSON.createObjectNode().put("type", "Sequence");
    var steps = sequence.putArray("pretokenizers");
    var words = steps.addObject().put("type", "Split");
    words.putObject("pattern").put("Regex", WORD);
    words.put("behavior", "Removed").put("invert", true);
    steps.add(byteLevel(false));
    return sequence;
  }

  private static ObjectNode byteLevel(boolean prefixSpace) {
    return JSON.createObjectNode()
        .put("type", "ByteLevel")
        .put("add_prefix_space", prefixSpace)
        .put("trim_offsets", true)
        .put("use_regex", true);
  }

  private ObjectNode model() {
    var model = JSON.createObjectNode().put("type", "BPE").putNull("dropout");
    model.put("unk_token", END).put("continuing_subword_prefix", "");
    model.put("end_of_word_suffix", END_OF_WORD).put("fuse_unk", false).put("byte_fallback", false);
    model.put("ignore_merges", false);
    model.set("vocab", pieces);
    var pairs = model.putArray("merges");
    merges.forEach(merge -> pairs.addArray().add(merge.left()).add(merge.right()));
    return model;
  }
}
