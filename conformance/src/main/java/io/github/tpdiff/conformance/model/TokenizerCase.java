package io.github.tpdiff.conformance.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.runtime.text.HuggingFaceTokenizer;
import io.github.tpdiff.runtime.text.PromptCleaner;
import io.github.tpdiff.runtime.text.TokenBatch;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Kind {@code tokenizer}: ids and mask, of texts as they are and of cleaned ones where the case
 * names those.
 */
public final class TokenizerCase implements CaseKind.Plain {
  @Override
  public void check(GoldenCase golden, Checks checks) throws IOException {
    List<String> texts = texts(golden.arg("texts"));
    int maxLength = golden.arg("max_length").asInt();
    List<String> prompts = texts;
    if (golden.args().has("cleaned_texts")) {
      prompts = texts.stream().map(PromptCleaner::clean).toList();
      compareTexts(texts(golden.arg("cleaned_texts")), prompts, checks);
    }
    try (Tokenizer tokenizer = HuggingFaceTokenizer.open(golden.checkpoint())) {
      compare("", tokenizer.encode(prompts, maxLength), checks);
      if (golden.tensors().names().contains("out.raw.input_ids")) {
        compare("raw.", tokenizer.encode(texts, maxLength), checks);
      }
    }
  }

  private static void compareTexts(List<String> expected, List<String> found, Checks checks) {
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

  private static List<String> texts(JsonNode array) {
    var texts = new ArrayList<String>();
    array.forEach(text -> texts.add(text.asText()));
    return texts;
  }
}
