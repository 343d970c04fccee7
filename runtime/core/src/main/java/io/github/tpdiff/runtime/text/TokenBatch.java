package io.github.tpdiff.runtime.text;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * Token ids of texts, one row a text, all rows of one length.
 *
 * @param inputIds ids, [texts, length]
 * @param attentionMask 1 for a token, 0 for padding, same shape
 */
@SuppressWarnings(
    "ArrayRecordComponent") // the form in which engines take them; batches are not compared
public record TokenBatch(long[][] inputIds, long[][] attentionMask) {
  public TokenBatch {
    checkArgument(
        inputIds.length == attentionMask.length,
        "attentionMask: expected %s rows, found %s",
        inputIds.length,
        attentionMask.length);
  }

  /** Number of tokens of a text, padding not counted. */
  public int length(int text) {
    int length = 0;
    for (long attended : attentionMask[text]) {
      length += (int) attended;
    }
    return length;
  }
}
