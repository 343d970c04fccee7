package io.github.tpdiff.runtime.pipeline;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.text.TokenBatch;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Prompts to embeddings: clean, tokenise, encode.
 *
 * <p>An encoder that takes an {@code attention_mask} runs on the real tokens alone and zero rows
 * follow theirs; to one that takes none, padding is tokens like others and has rows of its own.
 *
 * <p>Holds the text encoder until closed, and the embeddings of the last few prompts.
 */
public final class TextEncoding implements AutoCloseable {
  /** A prompt and its negative, and some more; a data set has thousands of captions. */
  private static final int KEPT = 8;

  private final PromptTokens prompts;
  private final Executable encoder;
  private final Cache<String, Tensor> known = CacheBuilder.newBuilder().maximumSize(KEPT).build();

  private TextEncoding(PromptTokens prompts, Executable encoder) {
    this.prompts = prompts;
    this.encoder = encoder;
  }

  /**
   * Loads the text encoder.
   *
   * @throws CheckpointException if it or the tokenizer is absent
   */
  public static TextEncoding open(PipelineParts parts) {
    PromptTokens prompts = PromptTokens.of(parts);
    return new TextEncoding(prompts, parts.load(Role.TEXT_ENCODER));
  }

  /** The embedding of a prompt, [1, maxLength, d]. */
  public Tensor encode(String prompt) {
    String cleaned = prompts.cleaned(prompt);
    Tensor found = known.getIfPresent(cleaned);
    if (found == null) {
      found = embed(cleaned);
      known.put(cleaned, found);
    }
    return found;
  }

  private Tensor embed(String prompt) {
    TokenBatch tokens = prompts.encode(prompt);
    boolean masked = encoder.inputNames().contains("attention_mask");
    int length = masked ? tokens.length(0) : prompts.limit();
    var inputs = new HashMap<String, Tensor>();
    inputs.put("input_ids", row(tokens.inputIds()[0], length));
    if (masked) {
      inputs.put("attention_mask", row(tokens.attentionMask()[0], length));
    }
    Map<String, Tensor> outputs = encoder.run(inputs);
    Tensor states = Outputs.require(outputs, "last_hidden_state", Role.TEXT_ENCODER);
    long[] shape = states.shape();
    if (shape.length != 3 || shape[0] != 1 || shape[1] != length) {
      throw new CheckpointException(
          "%s: last_hidden_state: expected [1, %d, d], found %s"
              .formatted(Role.TEXT_ENCODER.label(), length, Arrays.toString(shape)));
    }
    Tensor filled = Tensor.zeros(1, prompts.limit(), shape[2]);
    filled.floats().put(states.floats());
    return filled;
  }

  private static Tensor row(long[] values, int length) {
    return Tensor.ofLongs(Arrays.copyOf(values, length), 1, length);
  }

  /** Frees the text encoder. */
  @Override
  public void close() {
    encoder.close();
  }
}
