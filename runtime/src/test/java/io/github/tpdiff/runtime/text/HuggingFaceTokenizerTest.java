package io.github.tpdiff.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HuggingFaceTokenizerTest {
  @Test
  void umt5Ids_ofCleanedTexts_matchTransformers() throws IOException {
    var golden = new TokenizerGolden("wan");
    try (var tokenizer = HuggingFaceTokenizer.open(golden.tokenizerFolder())) {
      var cleaned = golden.texts("texts").stream().map(PromptCleaner::clean).toList();
      var batch = tokenizer.encode(cleaned, golden.maxLength());
      assertThat(batch.inputIds()).isDeepEqualTo(golden.ids("out.input_ids"));
      assertThat(batch.attentionMask()).isDeepEqualTo(golden.ids("out.attention_mask"));
    }
  }

  @Test
  void umt5Ids_ofRawTexts_matchTransformers() throws IOException {
    var golden = new TokenizerGolden("wan");
    try (var tokenizer = HuggingFaceTokenizer.open(golden.tokenizerFolder())) {
      var batch = tokenizer.encode(golden.texts("texts"), golden.maxLength());
      assertThat(batch.inputIds()).isDeepEqualTo(golden.ids("out.raw.input_ids"));
      assertThat(batch.attentionMask()).isDeepEqualTo(golden.ids("out.raw.attention_mask"));
    }
  }

  @Test
  void clipIds_matchTransformers() throws IOException {
    var golden = new TokenizerGolden("animatediff");
    try (var tokenizer = HuggingFaceTokenizer.open(golden.tokenizerFolder())) {
      var batch = tokenizer.encode(golden.texts("texts"), golden.maxLength());
      assertThat(batch.inputIds()).isDeepEqualTo(golden.ids("out.input_ids"));
      assertThat(batch.attentionMask()).isDeepEqualTo(golden.ids("out.attention_mask"));
    }
  }

  @Test
  void truncatedText_endsWithTheClosingToken_evenWhenTheTextContainsIt() throws IOException {
    var golden = new TokenizerGolden("wan");
    try (var tokenizer = HuggingFaceTokenizer.open(golden.tokenizerFolder())) {
      var row = tokenizer.encode(List.of("</s></s></s></s></s>"), 3).inputIds()[0];
      assertThat(row).containsExactly(1, 1, 1);
      var word = tokenizer.encode(List.of("word word word </s>"), 4);
      assertThat(word.inputIds()[0]).endsWith(1).doesNotContain(0);
      assertThat(word.inputIds()[0][2]).isNotEqualTo(1);
      assertThat(word.length(0)).isEqualTo(4);
    }
  }

  @Test
  void folderWithOnlySpieceModel_isRefused_namingTheFileExpected(@TempDir Path folder)
      throws IOException {
    Files.createFile(folder.resolve("spiece.model"));
    assertThatThrownBy(() -> HuggingFaceTokenizer.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(folder.resolve("tokenizer.json").toString())
        .hasMessageContaining("found only spiece.model");
  }

  @Test
  void brokenTokenizerFile_isRefused_namingIt(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), "{\"version\": ");
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"pad_token\": \"<pad>\"}");
    assertThatThrownBy(() -> HuggingFaceTokenizer.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("tokenizer.json")
        .hasMessageContaining("expected a tokenizer");
  }

  @Test
  void padToken_thatIsNoToken_isRefused_namingIt(@TempDir Path folder) throws IOException {
    new UnigramTokenizerWriter(List.of("fox")).write(folder);
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"pad_token\": \"<blank>\"}");
    assertThatThrownBy(() -> HuggingFaceTokenizer.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("<blank>");
  }

  @Test
  void missingPadToken_isRefused_namingTheFilesLookedAt(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    assertThatThrownBy(() -> HuggingFaceTokenizer.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("pad_token")
        .hasMessageContaining("special_tokens_map.json");
  }
}
