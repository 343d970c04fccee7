package io.github.tpdiff.runtime.model;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.text.PromptCleaner;
import io.github.tpdiff.runtime.text.TokenBatch;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.util.List;
import java.util.Optional;

/**
 * Prompts as an encoder takes them: cleaned, tokenised and cut at its limit.
 *
 * @param text what the model asks of prompts
 * @param tokenizer not closed here
 */
public record PromptTokens(Text text, Tokenizer tokenizer) {
  /** A hundred times what any encoder reads of a prompt. */
  private static final int MOST_CHARACTERS = 1 << 16;

  /**
   * The tokens of every text of a model.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if a tokenizer is absent
   */
  public static List<PromptTokens> of(PipelineParts parts) {
    return parts.description().flow().texts().stream()
        .map(text -> new PromptTokens(text, parts.tokenizer(text.tokenizer())))
        .toList();
  }

  /** How many tokens are read, special ones included. */
  public int limit() {
    return text.maxLength();
  }

  /** How many tokens a prompt has, special ones included, before any is cut. */
  public int length(String prompt) {
    return tokenizer.length(cleaned(prompt));
  }

  /**
   * A line that says that a prompt's end is not read; empty where all of it is.
   *
   * @param name what the prompt is called
   */
  public Optional<String> cut(String name, String prompt) {
    int length = length(prompt);
    return length > limit()
        ? Optional.of(
            "%s: %d tokens, of which the text encoder reads %d: the end is not used"
                .formatted(name, length, limit()))
        : Optional.empty();
  }

  /**
   * The tokens of a prompt, without what the model's authors take out of it.
   *
   * @throws IllegalArgumentException if it has more characters than any encoder reads
   */
  TokenBatch encode(String prompt) {
    return tokenizer.encode(List.of(cleaned(prompt)), limit());
  }

  /** A prompt without what the model's authors take out of it. */
  String cleaned(String prompt) {
    checkArgument(
        prompt.length() <= MOST_CHARACTERS,
        "prompt: expected at most %s characters, found %s",
        MOST_CHARACTERS,
        prompt.length());
    return switch (text.cleaning()) {
      case NONE -> prompt;
      case WHITESPACE -> PromptCleaner.clean(prompt);
    };
  }
}
