package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.text.TokenBatch;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.util.List;

/** One token a word: its length; 1 closes a text, 9 fills it. */
final class WordTokenizer implements Tokenizer {
  @Override
  public TokenBatch encode(List<String> texts, int maxLength) {
    var ids = new long[texts.size()][maxLength];
    var mask = new long[texts.size()][maxLength];
    for (int i = 0; i < texts.size(); i++) {
      String[] words = words(texts.get(i));
      int count = Math.min(words.length, maxLength - 1);
      for (int j = 0; j < maxLength; j++) {
        ids[i][j] = j < count ? words[j].length() : j == count ? 1 : 9;
        mask[i][j] = j <= count ? 1 : 0;
      }
    }
    return new TokenBatch(ids, mask);
  }

  @Override
  public int length(String text) {
    return words(text).length + 1;
  }

  private static String[] words(String text) {
    return text.isEmpty() ? new String[0] : text.split(" ", -1);
  }

  @Override
  public void close() {}
}
