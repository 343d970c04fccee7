package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.text.HuggingFaceTokenizer;
import io.github.tpdiff.runtime.text.TokenBatch;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Kind {@code text_encoders}: prompts to the states of one encoder, padding included, its mask, and
 * the pooled state of another. The pooling encoder and its tokenizer lie in {@code text_encoder}
 * and {@code tokenizer}, the other's in {@code text_encoder_2} and {@code tokenizer_2}.
 *
 * @param pooling opens the encoder that pools
 * @param sequence opens the other
 */
public record TextEncodersCase(
    Function<Path, Component> pooling, Function<Path, Component> sequence)
    implements CaseKind.OnEngine {
  /** Tokens of every prompt that CLIP was trained with. */
  private static final int CLIP_LENGTH = 77;

  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) throws IOException {
    Path folder = golden.checkpoint();
    TokenBatch clip = tokens(golden, folder.resolve("tokenizer"), CLIP_LENGTH);
    TokenBatch t5 =
        tokens(golden, folder.resolve("tokenizer_2"), golden.args().integer("t5_max_length"));
    Tensor pooled = run(pooling.apply(folder.resolve("text_encoder")), engine, clip, "pooled");
    checks.compare("pooled", pooled);
    Component encoder = sequence.apply(folder.resolve("text_encoder_2"));
    checks.compare("prompt_embeds", run(encoder, engine, t5, "last_hidden_state"));
    checks.compare("prompt_attention_mask", matrix(t5.attentionMask()));
  }

  private static TokenBatch tokens(GoldenCase golden, Path tokenizer, int length)
      throws IOException {
    try (Tokenizer open = HuggingFaceTokenizer.open(tokenizer)) {
      return open.encode(golden.args().texts("prompts"), length);
    }
  }

  private static Tensor run(Component encoder, Engine engine, TokenBatch tokens, String output) {
    try (var weights = encoder.weights();
        var executable = engine.load(encoder.program(), weights)) {
      var inputs =
          new HashMap<>(
              Map.of(
                  "input_ids",
                  matrix(tokens.inputIds()),
                  "attention_mask",
                  matrix(tokens.attentionMask())));
      inputs.keySet().retainAll(executable.inputNames());
      return Optional.ofNullable(executable.run(inputs).get(output))
          .orElseThrow(() -> new CaseException(output + ": this text encoder gives none"));
    }
  }

  private static Tensor matrix(long[][] rows) {
    long[] values = Arrays.stream(rows).flatMapToLong(Arrays::stream).toArray();
    return Tensor.ofLongs(values, rows.length, values.length / rows.length);
  }
}
