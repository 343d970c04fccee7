package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.runtime.text.HuggingFaceTokenizer;
import io.github.tpdiff.runtime.text.PromptCleaner;
import io.github.tpdiff.runtime.text.TokenBatch;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Kind {@code tokenizer}: ids and mask, of texts as they are and of cleaned ones where the case
 * names those.
 */
public final class TokenizerCase implements CaseKind.Plain {
  @Override
  public void check(GoldenCase golden, Checks checks) throws IOException {
    List<String> texts = golden.args().texts("texts");
    int maxLength = golden.args().integer("max_length");
    List<String> prompts = texts;
    Optional<List<String>> cleaned = golden.args().findTexts("cleaned_texts");
    if (cleaned.isPresent()) {
      prompts = texts.stream().map(PromptCleaner::clean).toList();
      compareTexts(cleaned.get(), prompts, checks);
    }
    // What comes of an installation of diffusers without ftfy, whose rules are built in here.
    golden.args().passOver("needs_ftfy");
    golden.args().passOver("cleaned_without_ftfy");
    try (Tokenizer tokenizer = HuggingFaceTokenizer.open(golden.checkpoint())) {
      compare("", tokenizer.encode(prompts, maxLength), checks);
      if (golden.tensors().names().contains("out.raw.input_ids")) {
        compare("raw.", tokenizer.encode(texts, maxLength), checks);
      }
    }
  }

  private static void compareTexts(List<String> expected, List<String> found, Checks checks) {
    if (expected.size() != found.size()) {
      checks.fail(
          "cleaned_texts: expected one for each of %d texts, found %d"
              .formatted(found.size(), expected.size()));
      return;
    }
    for (int i = 0; i < expected.size(); i++) {
      if (!expected.get(i).equals(found.get(i))) {
        checks.fail(
            "cleaned_texts[%d]: expected '%s', found '%s'"
                .formatted(i, expected.get(i), found.get(i)));
      }
    }
  }

  private static void compare(String prefix, TokenBatch batch, Checks checks) {
    checks.compare(prefix + "input_ids", joined(batch.inputIds()));
    checks.compare(prefix + "attention_mask", joined(batch.attentionMask()));
  }

  private static long[] joined(long[][] rows) {
    return Arrays.stream(rows).flatMapToLong(Arrays::stream).toArray();
  }
}
