package io.github.tpdiff.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
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

  /** As published with Stable Diffusion 1.5. */
  @Test
  void clipIds_fromVocabularyAndMerges_matchTransformers(@TempDir Path folder) throws IOException {
    var golden = new TokenizerGolden("animatediff");
    copy(golden, folder, "vocab.json", "merges.txt", "tokenizer_config.json");
    try (var tokenizer = HuggingFaceTokenizer.open(folder)) {
      var batch = tokenizer.encode(golden.texts("texts"), golden.maxLength());
      assertThat(batch.inputIds()).isDeepEqualTo(golden.ids("out.input_ids"));
      assertThat(batch.attentionMask()).isDeepEqualTo(golden.ids("out.attention_mask"));
    }
  }

  @Test
  void completedFolder_hasATokenizerJsonThatGivesTheSameIds(@TempDir Path folder)
      throws IOException {
    var golden = new TokenizerGolden("animatediff");
    copy(golden, folder, "vocab.json", "merges.txt", "tokenizer_config.json");
    HuggingFaceTokenizer.completeFiles(folder);
    assertThat(folder.resolve("tokenizer.json")).isRegularFile();
    Files.delete(folder.resolve("vocab.json"));
    Files.delete(folder.resolve("merges.txt"));
    try (var tokenizer = HuggingFaceTokenizer.open(folder)) {
      var batch = tokenizer.encode(golden.texts("texts"), golden.maxLength());
      assertThat(batch.inputIds()).isDeepEqualTo(golden.ids("out.input_ids"));
    }
  }

  @Test
  void vocabularyWithoutMerges_isRefused_namingTheFileExpected(@TempDir Path folder)
      throws IOException {
    copy(new TokenizerGolden("animatediff"), folder, "vocab.json", "tokenizer_config.json");
    assertThatThrownBy(() -> HuggingFaceTokenizer.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(folder.resolve("merges.txt") + ": expected this file");
  }

  @Test
  void aMergeThatIsNoPair_isRefused_namingTheLine(@TempDir Path folder) throws IOException {
    copy(new TokenizerGolden("animatediff"), folder, "vocab.json", "tokenizer_config.json");
    Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\ni n\nthe\n");
    assertThatThrownBy(() -> HuggingFaceTokenizer.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("merges.txt: line 3: expected two pieces")
        .hasMessageContaining("found 'the'");
  }

  @Test
  void vocabularyOfAnotherTokenizer_isRefused_namingItsClass(@TempDir Path folder)
      throws IOException {
    copy(new TokenizerGolden("animatediff"), folder, "vocab.json", "merges.txt");
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"pad_token\": \"<|endoftext|>\", \"tokenizer_class\": \"GPT2Tokenizer\"}");
    assertThatThrownBy(() -> HuggingFaceTokenizer.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("tokenizer_config.json: tokenizer_class: ")
        .hasMessageContaining("found GPT2Tokenizer");
  }

  private static void copy(TokenizerGolden golden, Path folder, String... files)
      throws IOException {
    for (String file : files) {
      Files.copy(golden.tokenizerFolder().resolve(file), folder.resolve(file));
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
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tokenizer.json")
        .hasMessageContaining("expected a tokenizer");
  }

  @Test
  void padToken_thatIsNoToken_isRefused_namingIt(@TempDir Path folder) throws IOException {
    new UnigramTokenizerWriter(List.of("fox"), 512).write(folder);
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
