package io.github.tpdiff.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnigramTokenizerWriterTest {
  @Test
  void knownWords_areOneTokenEach_inTheOrderGiven(@TempDir Path folder) throws IOException {
    var writer = new UnigramTokenizerWriter(List.of("red", "circle", "moves"), 512);
    writer.write(folder);
    // 3 special tokens, the word mark and 94 characters come before the words.
    assertThat(writer.vocabularySize()).isEqualTo(3 + 1 + 94 + 3);
    try (var tokenizer = HuggingFaceTokenizer.open(folder)) {
      var batch = tokenizer.encode(List.of("moves  red circle"), 6);
      assertThat(batch.inputIds()[0]).containsExactly(100, 98, 99, 1, 0, 0);
      assertThat(batch.attentionMask()[0]).containsExactly(1, 1, 1, 1, 0, 0);
    }
  }

  @Test
  void everyPrintableAsciiText_encodesWithoutUnknownTokens(@TempDir Path folder)
      throws IOException {
    new UnigramTokenizerWriter(List.of("red"), 512).write(folder);
    var text = new StringBuilder();
    for (char c = ' '; c <= '~'; c++) {
      text.append(c).append("red ");
    }
    try (var tokenizer = HuggingFaceTokenizer.open(folder)) {
      var batch = tokenizer.encode(List.of(text.toString(), "snow ☃"), 1000);
      assertThat(batch.inputIds()[0]).doesNotContain(2);
      assertThat(batch.inputIds()[1]).contains(2);
    }
  }

  @Test
  void wordWithASpace_isRefused_namingIt() {
    assertThatThrownBy(() -> new UnigramTokenizerWriter(List.of("red circle"), 512))
        .hasMessageContaining("red circle");
  }
}
