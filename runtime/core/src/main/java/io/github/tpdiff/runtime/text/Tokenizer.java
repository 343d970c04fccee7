package io.github.tpdiff.runtime.text;

import java.util.List;

/** Turns texts into token ids of one length; safe for use by several threads. */
public interface Tokenizer extends AutoCloseable {
  /**
   * Encodes texts, special tokens included, padded on the right to exactly {@code maxLength} ids.
   *
   * <p>A longer text loses its last tokens but keeps the closing special token.
   *
   * @throws IllegalArgumentException if {@code maxLength} is less than 2
   */
  TokenBatch encode(List<String> texts, int maxLength);

  /** Number of ids of a text, special tokens included, before any is cut. */
  int length(String text);

  @Override
  void close();
}
