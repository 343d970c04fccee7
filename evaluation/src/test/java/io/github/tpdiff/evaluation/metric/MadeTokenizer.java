package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.runtime.text.TokenBatch;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.util.List;

/** A token for every letter. */
final class MadeTokenizer implements Tokenizer {
  @Override
  public TokenBatch encode(List<String> texts, int maxLength) {
    var ids = new long[texts.size()][maxLength];
    var mask = new long[texts.size()][maxLength];
    for (int i = 0; i < texts.size(); i++) {
      for (int j = 0; j < Math.min(maxLength, texts.get(i).length()); j++) {
        ids[i][j] = texts.get(i).charAt(j);
        mask[i][j] = 1;
      }
    }
    return new TokenBatch(ids, mask);
  }

  @Override
  public int length(String text) {
    return text.length();
  }

  @Override
  public void close() {}
}
