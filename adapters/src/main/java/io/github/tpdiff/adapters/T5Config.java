package io.github.tpdiff.adapters;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;

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
  private static final int FARTHEST = 1 << 16;

  public T5Config {
    if (maxDistance > FARTHEST || buckets < 4 || buckets % 4 != 0) {
      throw new CheckpointException(
          "T5: relative_attention_num_buckets and _max_distance: expected a multiple of 4 and at"
              + " most %d, found %d and %d".formatted(FARTHEST, buckets, maxDistance));
    }
  }

  /** From a configuration, or from the tensors where there is none. */
  public static T5Config read(ConfigFile config, TensorSource weights) {
    config
        .findString("feed_forward_proj")
        .filter(kind -> !kind.equals("gated-gelu"))
        .ifPresent(
            kind -> {
              throw config.wrong("feed_forward_proj", "gated-gelu", kind);
            });
    var sizes = new TensorExtents(weights);
    String bias = BLOCK + "0.SelfAttention.relative_attention_bias.weight";
    int heads = config.findInt("num_heads").orElseGet(() -> sizes.of(bias, 1));
    return new T5Config(
        config.findInt("vocab_size").orElseGet(() -> sizes.of("shared.weight", 0)),
        config.findInt("d_model").orElseGet(() -> sizes.of("shared.weight", 1)),
        layers(config, sizes),
        heads,
        config
            .findInt("d_kv")
            .orElseGet(() -> sizes.of(BLOCK + "0.SelfAttention.q.weight", 0) / heads),
        config.findInt("d_ff").orElseGet(() -> sizes.of(BLOCK + "1.DenseReluDense.wi_0.weight", 0)),
        config.findInt("relative_attention_num_buckets").orElseGet(() -> sizes.of(bias, 0)),
        config.findInt("relative_attention_max_distance").orElse(128),
        config.findDouble("layer_norm_epsilon").orElse(1e-6),
        weights.find(bias.replace(BLOCK, "encoder.block.1.layer.")).isPresent()
            ? PositionBias.OF_EACH_BLOCK
            : PositionBias.OF_FIRST_BLOCK);
  }

  private static int layers(ConfigFile config, TensorExtents sizes) {
    int there = sizes.count("encoder.block.%d.layer.0.layer_norm.weight");
    config
        .findInt("num_layers")
        .filter(said -> said != there)
        .ifPresent(
            said -> {
              throw config.wrong("num_layers", there + ", the blocks in the checkpoint", said);
            });
    return there;
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
}
