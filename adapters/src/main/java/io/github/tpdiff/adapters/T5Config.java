package io.github.tpdiff.adapters;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Sizes of an encoder of T5 v1.1 or UMT5.
 *
 * @param headDim width of one head; all heads together need not be as wide as the model
 * @param buckets of relative positions, half for each direction
 * @param maxDistance from which on all positions share a bucket
 * @param positionBias which blocks have a table of biases
 */
public record T5Config(
    int vocabulary,
    int width,
    int layers,
    int heads,
    int headDim,
    int ffnDim,
    int buckets,
    int maxDistance,
    double eps,
    PositionBias positionBias) {
  /** Which blocks have a table of relative position biases. */
  public enum PositionBias {
    /** Each its own, as in UMT5. */
    OF_EACH_BLOCK,
    /** The first, whose table all blocks use, as in T5. */
    OF_FIRST_BLOCK
  }

  private static final String BLOCK = "encoder.block.0.layer.";
  private static final String BIAS = BLOCK + "0.SelfAttention.relative_attention_bias.weight";
  private static final String QUERIES = BLOCK + "0.SelfAttention.q.weight";
  private static final int FARTHEST = 1 << 16;

  /**
   * @throws IllegalArgumentException if the buckets cannot be what relative positions are put into
   */
  public T5Config {
    checkArgument(
        buckets >= 4 && buckets % 4 == 0,
        "relative_attention_num_buckets: expected a multiple of 4, found %s",
        buckets);
    checkArgument(
        maxDistance > buckets / 4 && maxDistance <= FARTHEST,
        "relative_attention_max_distance: expected more than %s and at most %s, found %s",
        buckets / 4,
        FARTHEST,
        maxDistance);
  }

  /** From the tensors, and a configuration where there is one. */
  public static T5Config read(ConfigFile config, TensorSource weights) {
    config
        .findString("feed_forward_proj")
        .filter(kind -> !kind.equals("gated-gelu"))
        .ifPresent(
            kind -> {
              throw config.wrong("feed_forward_proj", "gated-gelu", kind);
            });
    var sizes = new CheckpointSizes(config, weights);
    int heads = sizes.of(BIAS, 1, "num_heads");
    int together = sizes.of(QUERIES, 0);
    if (together % heads != 0) {
      throw new CheckpointException(
          "%s: tensor '%s': expected as many rows for each of %d heads, found %d in all"
              .formatted(weights.origin(), QUERIES, heads, together));
    }
    sizes.agree(together / heads, "as tensor '%s' has it".formatted(QUERIES), "d_kv");
    return config.checked(
        () ->
            new T5Config(
                sizes.of(T5Encoder.TOKENS, 0, "vocab_size"),
                sizes.of(T5Encoder.TOKENS, 1, "d_model"),
                sizes.count("encoder.block.%s.layer.0.layer_norm.weight", "num_layers"),
                heads,
                together / heads,
                sizes.of(BLOCK + "1.DenseReluDense.wi_0.weight", 0, "d_ff"),
                sizes.of(BIAS, 0, "relative_attention_num_buckets"),
                config.findInt("relative_attention_max_distance").orElse(128),
                config.findEps("layer_norm_epsilon").orElse(1e-6),
                weights.find(BIAS.replace(BLOCK, "encoder.block.1.layer.")).isPresent()
                    ? PositionBias.OF_EACH_BLOCK
                    : PositionBias.OF_FIRST_BLOCK));
  }

  /**
   * The bucket of a relative position key − query: exact up to a quarter of the buckets, then
   * logarithmic up to {@code maxDistance}; keys after the query use the upper half.
   */
  int bucket(int relative) {
    int half = buckets / 2;
    int exact = half / 2;
    int base = relative > 0 ? half : 0;
    int n = Math.abs(relative);
    if (n < exact) {
      return base + n;
    }
    double fraction = Math.log((double) n / exact) / Math.log((double) maxDistance / exact);
    return base + Math.min(half - 1, exact + (int) (fraction * (half - exact)));
  }

  /** The fields of {@code config.json} as published. */
  public Map<String, Object> fields() {
    boolean each = positionBias == PositionBias.OF_EACH_BLOCK;
    Map<String, Object> fields = new TreeMap<>();
    fields.put("architectures", List.of(each ? "UMT5EncoderModel" : "T5EncoderModel"));
    fields.put("d_ff", ffnDim);
    fields.put("d_kv", headDim);
    fields.put("d_model", width);
    fields.put("dense_act_fn", "gelu_new");
    fields.put("eos_token_id", 1);
    fields.put("feed_forward_proj", "gated-gelu");
    fields.put("is_encoder_decoder", true);
    fields.put("is_gated_act", true);
    fields.put("layer_norm_epsilon", eps);
    fields.put("model_type", each ? "umt5" : "t5");
    fields.put("num_heads", heads);
    fields.put("num_layers", layers);
    fields.put("pad_token_id", 0);
    fields.put("relative_attention_max_distance", maxDistance);
    fields.put("relative_attention_num_buckets", buckets);
    fields.put("tie_word_embeddings", false);
    if (each) {
      fields.put("scalable_attention", true);
      fields.put("tokenizer_class", "T5Tokenizer");
    }
    fields.put("vocab_size", vocabulary);
    return fields;
  }
}
