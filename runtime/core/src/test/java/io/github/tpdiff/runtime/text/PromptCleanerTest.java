package io.github.tpdiff.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptCleanerTest {
  @Test
  void texts_areCleanedAsByThePublishedPipeline() {
    var golden = new TokenizerGolden("wan");
    assertThat(golden.texts("texts").stream().map(PromptCleaner::clean))
        .containsExactlyElementsOf(golden.texts("cleaned_texts"));
  }

  /** 600 texts in 15 scripts, misread in 16 encodings, once or twice, whole or in part. */
  @Test
  void damagedTexts_areCleanedAsByFtfyAndPython() throws IOException {
    var json = new ObjectMapper();
    try (var stream =
        Objects.requireNonNull(
            getClass().getResourceAsStream("/goldens/wan/cleaned-prompts.jsonl"))) {
      var lines = new String(stream.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
      assertThat(lines).hasSize(600);
      for (var line : lines) {
        var pair = json.readTree(line);
        assertThat(PromptCleaner.clean(pair.get(0).textValue()))
            .as(line)
            .isEqualTo(pair.get(1).textValue());
      }
    }
  }

  /** Expected values are those of Python's {@code html.unescape}. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "&copy 2024 &copyx|© 2024 ©x",
        "&notit; &notin;|¬it; ∉",
        "&#x80;&#150;&#0;&#1114112;|€–\ufffd\ufffd",
        "&#11;x&#xFFFE;|x",
        "&NotEqualTilde;|≂̸",
        "&unknown; &; &#; &#x;|&unknown; &; &#; &#x;",
        "&#99999999999999999999;|\ufffd",
      })
  void references_unescapeAsInPython(String escaped, String expected) {
    assertThat(HtmlEntities.unescape(escaped)).isEqualTo(expected);
  }

  @Test
  void textWithMarkup_keepsEntitiesThatLookMeant_onlyUntilTheHtmlPass() {
    assertThat(TextRepair.repair("&EACUTE; &amp;\nif a<b &amp;\n&amp;"))
        .isEqualTo("É &\nif a<b &amp;\n&amp;");
  }

  @Test
  void loneSurrogates_becomeReplacementCharacters_andPairsStay() {
    assertThat(PromptCleaner.clean("a\ud83d b \udc3c\ud83d\udc3c")).isEqualTo("a\ufffd b \ufffd🐼");
  }

  @Test
  void longMojibake_isRepairedWithoutRecursion() {
    var repaired = PromptCleaner.clean("ラ " + "Ã©".repeat(100_000));
    assertThat(repaired).isEqualTo("ラ " + "é".repeat(100_000));
  }
}
