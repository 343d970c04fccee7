package io.github.tpdiff.runtime.model;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.text.TokenBatch;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Prompts to the conditions that they decide: clean, tokenise, encode.
 *
 * <p>Holds every encoder that it has needed until closed, and the conditions of the last few
 * prompts.
 */
public final class PromptEncoder implements AutoCloseable {
  /** A prompt and its negative, and some more; a data set has thousands of captions. */
  private static final int KEPT = 8;

  private final PipelineParts parts;
  private final Flow flow;
  private final List<PromptTokens> tokens;
  private final List<ComponentDescription> encoders;
  private final Map<String, Executable> loaded = new HashMap<>();
  private final Cache<List<String>, Map<String, Tensor>> known =
      CacheBuilder.newBuilder().maximumSize(KEPT).build();

  private PromptEncoder(
      PipelineParts parts, List<PromptTokens> tokens, List<ComponentDescription> encoders) {
    this.parts = parts;
    this.flow = parts.description().flow();
    this.tokens = tokens;
    this.encoders = encoders;
  }

  /**
   * The encoder of a pipeline's prompts; its networks are loaded with the first prompt.
   *
   * @throws CheckpointException if an encoder or a tokenizer is absent
   */
  public static PromptEncoder open(PipelineParts parts) {
    return new PromptEncoder(parts, PromptTokens.of(parts), parts.encoders("a prompt", false));
  }

  /** The conditions of a prompt, each with a batch axis of one. */
  public Map<String, Tensor> encode(String prompt) {
    List<String> cleaned = tokens.stream().map(text -> text.cleaned(prompt)).toList();
    Map<String, Tensor> found = known.getIfPresent(cleaned);
    if (found == null) {
      found = conditions(prompt);
      known.put(cleaned, found);
    }
    return found;
  }

  private Map<String, Tensor> conditions(String prompt) {
    var values = new HashMap<String, Tensor>();
    var lengths = new HashMap<String, Integer>();
    for (PromptTokens text : tokens) {
      TokenBatch batch = text.encode(prompt);
      put(values, text.text().ids(), batch.inputIds()[0]);
      put(values, text.text().mask(), batch.attentionMask()[0]);
      if (text.text().padding() == Text.Padding.ZERO_ROWS) {
        lengths.put(text.text().ids(), batch.length(0));
        lengths.put(text.text().mask(), batch.length(0));
      }
    }
    for (ComponentDescription encoder : encoders) {
      values.putAll(encode(encoder, values, lengths));
    }
    var conditions = new LinkedHashMap<String, Tensor>();
    for (Condition condition : flow.conditions(false)) {
      Optional.ofNullable(values.get(condition.name()))
          .ifPresent(value -> conditions.put(condition.name(), value));
    }
    return conditions;
  }

  private static void put(Map<String, Tensor> values, String name, long[] tokens) {
    values.put(name, Tensor.ofLongs(tokens, 1, tokens.length));
  }

  /**
   * What an encoder makes of the tokens; where it is given the real ones alone, rows of zeros
   * follow.
   */
  private Map<String, Tensor> encode(
      ComponentDescription encoder, Map<String, Tensor> values, Map<String, Integer> lengths) {
    Executable executable = loaded.computeIfAbsent(encoder.name(), parts::load);
    var inputs = new HashMap<String, Tensor>();
    int full = 0;
    int length = 0;
    for (String input : executable.inputNames()) {
      String name = encoder.reads().getOrDefault(input, input);
      Tensor value = require(encoder.name(), name, values);
      Integer cut = lengths.get(name);
      if (cut != null) {
        full = (int) value.shape()[1];
        length = cut;
        value = rows(value, cut);
      }
      inputs.put(input, value);
    }
    Map<String, Tensor> outputs = executable.run(inputs);
    var written = new HashMap<String, Tensor>();
    for (Map.Entry<String, String> write : encoder.writes().entrySet()) {
      Tensor output = require(encoder.name(), write.getKey(), outputs);
      written.put(
          write.getValue(),
          length < full
              ? filled(encoder.name() + ": " + write.getKey(), output, length, full)
              : output);
    }
    return written;
  }

  private static Tensor require(String component, String name, Map<String, Tensor> values) {
    return Optional.ofNullable(values.get(name))
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: expected a value '%s', found %s"
                        .formatted(component, name, values.keySet())));
  }

  /** The first tokens of [1, length]. */
  private static Tensor rows(Tensor tokens, int length) {
    var kept = new long[length];
    tokens.longs().get(kept);
    return Tensor.ofLongs(kept, 1, length);
  }

  /** [1, length, …] with zeros up to {@code full} rows; a pooled row [1, d] stays as it is. */
  private static Tensor filled(String name, Tensor output, int length, int full) {
    long[] shape = output.shape();
    if (shape.length < 3) {
      return output;
    }
    if (shape[0] != 1 || shape[1] != length) {
      throw new CheckpointException(
          "%s: expected [1, %d, …], found %s".formatted(name, length, Arrays.toString(shape)));
    }
    shape[1] = full;
    Tensor filled = Tensor.zeros(shape);
    filled.floats().put(output.floats());
    return filled;
  }

  /** Frees the encoders. */
  @Override
  public void close() {
    loaded.values().forEach(Executable::close);
    loaded.clear();
  }
}
