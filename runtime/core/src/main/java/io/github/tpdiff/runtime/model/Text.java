package io.github.tpdiff.runtime.model;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * How prompts become the tokens of one tokenizer: the values {@code NAME.input_ids} and {@code
 * NAME.attention_mask}, I64 [1, maxLength].
 *
 * @param tokenizer its folder in published checkpoints and exports, such as {@code tokenizer_2}
 * @param maxLength tokens per prompt, padding included: the rows of an embedding
 * @param cleaning how prompts are cleaned before tokenisation
 * @param padding what becomes of the tokens that fill a short prompt up
 */
public record Text(String tokenizer, int maxLength, Cleaning cleaning, Padding padding) {
  private static final int MOST_TOKENS = 4096;

  /** How prompts are cleaned. */
  public enum Cleaning {
    NONE,
    /** As Wan does: repaired text, entities unescaped, white space collapsed. */
    WHITESPACE
  }

  /** What becomes of padding. */
  public enum Padding {
    /** Encoders are given it like other tokens, with a mask where they take one. */
    ENCODED,
    /** Encoders are given the real tokens alone; rows of zeros follow theirs. */
    ZERO_ROWS
  }

  public Text {
    checkArgument(
        tokenizer.matches("[a-z0-9_]{1,64}"),
        "text.tokenizer: expected the name of a folder, such as tokenizer, found '%s'",
        tokenizer);
    checkArgument(
        maxLength >= 2 && maxLength <= MOST_TOKENS,
        "text.max_length: expected from 2 to %s, found %s",
        MOST_TOKENS,
        maxLength);
  }

  /** The same of another length. */
  Text withLength(int tokens) {
    return new Text(tokenizer, tokens, cleaning, padding);
  }

  /** The value of the token ids. */
  public String ids() {
    return tokenizer + ".input_ids";
  }

  /** The value that tells tokens (1) from padding (0). */
  public String mask() {
    return tokenizer + ".attention_mask";
  }
}
