package io.github.tpdiff.runtime.text;

import static com.google.common.base.Preconditions.checkArgument;

import ai.djl.huggingface.tokenizers.Encoding;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.NativeFolder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A tokenizer folder as published with a checkpoint: {@code tokenizer.json}, or CLIP's {@code
 * vocab.json} and {@code merges.txt}, and the padding token from {@code tokenizer_config.json} or
 * {@code special_tokens_map.json}.
 *
 * <p>Holds native memory until closed.
 */
public final class HuggingFaceTokenizer implements Tokenizer {
  private static final String TOKENIZER = "tokenizer.json";
  private static final List<String> PAD_TOKEN_FILES =
      List.of("tokenizer_config.json", "special_tokens_map.json");

  private static final long MOST_BYTES = 1 << 22;

  static {
    // Natives are in the jar: no look for a CUDA build online, no usage report.
    setDefault("RUST_FLAVOR", "cpu");
    setDefault("ai.djl.offline", "true");
    setDefault("OPT_OUT_TRACKING", "true");
  }

  private final ai.djl.huggingface.tokenizers.HuggingFaceTokenizer tokenizer;
  private final long padId;

  private HuggingFaceTokenizer(
      ai.djl.huggingface.tokenizers.HuggingFaceTokenizer tokenizer, long padId) {
    this.tokenizer = tokenizer;
    this.padId = padId;
  }

  /**
   * Opens a tokenizer folder.
   *
   * @throws IOException if a file is missing or not what it should be; the message names it
   */
  public static HuggingFaceTokenizer open(Path folder) throws IOException {
    return open(folder, Integer.MAX_VALUE);
  }

  /**
   * The same for a text encoder that knows {@code rows} tokens.
   *
   * @throws CheckpointException if the tokenizer can give an id that the encoder has no row for
   */
  public static HuggingFaceTokenizer open(Path folder, long rows) throws IOException {
    var file = requireTokenizerFile(folder);
    var padToken = requirePadToken(folder);
    TokenizerFile checked = read(file, folder);
    if (checked.vocabularySize() > rows) {
      throw new CheckpointException(
          "%s: expected ids below %d, the rows of the text encoder's table, found %d; is it the tokenizer of another model?"
              .formatted(file, rows, checked.vocabularySize() - 1));
    }
    var tokenizer = load(checked, file);
    try {
      return new HuggingFaceTokenizer(tokenizer, requirePadId(tokenizer, file, padToken));
    } catch (IOException | RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  /**
   * Writes the {@code tokenizer.json} of a folder that has CLIP's {@code vocab.json} and {@code
   * merges.txt} in its place, for programs that read that form alone.
   *
   * @throws IOException if a file is not what it should be; the message names it
   */
  public static void completeFiles(Path folder) throws IOException {
    boolean clip = Files.isRegularFile(folder.resolve(ClipVocabulary.FILE));
    if (clip && !Files.exists(folder.resolve(TOKENIZER))) {
      Files.write(folder.resolve(TOKENIZER), ClipVocabulary.read(folder).tokenizerJson());
    }
  }

  @Override
  public TokenBatch encode(List<String> texts, int maxLength) {
    checkArgument(maxLength >= 2, "maxLength: expected at least 2, found %s", maxLength);
    var inputIds = new long[texts.size()][maxLength];
    var attentionMask = new long[texts.size()][maxLength];
    for (int i = 0; i < texts.size(); i++) {
      long[] ids = truncate(tokenizer.encode(texts.get(i)), maxLength);
      Arrays.fill(inputIds[i], padId);
      System.arraycopy(ids, 0, inputIds[i], 0, ids.length);
      Arrays.fill(attentionMask[i], 0, ids.length, 1);
    }
    return new TokenBatch(inputIds, attentionMask);
  }

  @Override
  public int length(String text) {
    return tokenizer.encode(text).getIds().length;
  }

  /** The id that fills rows. */
  public long padId() {
    return padId;
  }

  @Override
  public void close() {
    tokenizer.close();
  }

  /** Drops tokens of the text from its end; the special tokens added around it stay. */
  private static long[] truncate(Encoding encoding, int maxLength) {
    long[] ids = encoding.getIds();
    int excess = ids.length - maxLength;
    if (excess <= 0) {
      return ids;
    }
    int closing = closingTokens(encoding);
    long[] kept = Arrays.copyOf(ids, maxLength);
    System.arraycopy(ids, ids.length - closing, kept, maxLength - closing, closing);
    return kept;
  }

  private static int closingTokens(Encoding encoding) {
    // The mask marks added tokens only; a literal "</s>" in a prompt is text.
    long[] added = encoding.getSpecialTokenMask();
    int closing = 0;
    while (closing < added.length && added[added.length - 1 - closing] == 1) {
      closing++;
    }
    return closing;
  }

  private static TokenizerFile read(Path file, Path folder) throws IOException {
    return file.endsWith(TOKENIZER)
        ? TokenizerFile.read(file)
        : TokenizerFile.parse(ClipVocabulary.read(folder).tokenizerJson(), file.toString());
  }

  private static ai.djl.huggingface.tokenizers.HuggingFaceTokenizer load(
      TokenizerFile checked, Path file) throws IOException {
    // Truncation and padding are done here: the library takes one length for its whole life.
    var options = Map.of("truncation", "do_not_truncate", "padding", "do_not_pad");
    // From a stream: given a folder, the library would apply parts of tokenizer_config.json again.
    NativeFolder folder = NativeFolder.djl();
    folder.require();
    try (InputStream json =
        new ByteArrayInputStream(checked.json().getBytes(StandardCharsets.UTF_8))) {
      return ai.djl.huggingface.tokenizers.HuggingFaceTokenizer.newInstance(json, options);
    } catch (LinkageError e) {
      throw folder.cannotLoad("the tokenizers", e);
    } catch (RuntimeException e) {
      throw new IOException(file + ": expected a tokenizer, found: " + e.getMessage(), e);
    }
  }

  private static Path requireTokenizerFile(Path folder) throws IOException {
    var file = folder.resolve(TOKENIZER);
    if (Files.isRegularFile(file)) {
      return file;
    }
    var vocabulary = folder.resolve(ClipVocabulary.FILE);
    if (Files.isRegularFile(vocabulary)) {
      return vocabulary;
    }
    var found = Files.isRegularFile(folder.resolve("spiece.model")) ? "only spiece.model" : "none";
    throw new IOException(
        file + ": expected this file, found " + found + "; download it from where the rest came");
  }

  private static String requirePadToken(Path folder) throws IOException {
    for (var name : PAD_TOKEN_FILES) {
      var token = findPadToken(folder.resolve(name));
      if (token.isPresent()) {
        return token.get();
      }
    }
    throw new IOException(
        folder
            + ": expected pad_token in "
            + String.join(" or ", PAD_TOKEN_FILES)
            + ", found none");
  }

  private static Optional<String> findPadToken(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    if (Files.size(file) > MOST_BYTES) {
      throw new CheckpointException(
          "%s: expected at most %d bytes, found %d".formatted(file, MOST_BYTES, Files.size(file)));
    }
    JsonNode token = new ObjectMapper().readTree(file.toFile()).path("pad_token");
    // Written as a string, or as an object that describes the token.
    return Optional.ofNullable(token.path("content").asText(token.textValue()));
  }

  private static long requirePadId(
      ai.djl.huggingface.tokenizers.HuggingFaceTokenizer tokenizer, Path file, String padToken)
      throws IOException {
    long[] ids = tokenizer.encode(padToken, false, false).getIds();
    if (ids.length != 1) {
      throw new IOException(
          file + ": expected pad_token " + padToken + " among its tokens, found none of that name");
    }
    return ids[0];
  }

  private static void setDefault(String property, String value) {
    if (System.getProperty(property) == null && System.getenv(property) == null) {
      System.setProperty(property, value);
    }
  }
}
