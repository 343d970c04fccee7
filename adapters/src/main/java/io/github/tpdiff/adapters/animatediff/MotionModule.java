package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;

/**
 * Attention between the frames at each position of the picture (Guo et al. 2024, section 4.2).
 *
 * <p>Sinusoidal positions are added to the normed tokens before both attentions, so they enter
 * queries, keys and values.
 */
record MotionModule(MotionConfig config, String name, int channels) {
  private static final double GROUP_NORM_EPS = 1e-6;
  private static final double LAYER_NORM_EPS = 1e-5;

  private String block() {
    return name + ".transformer_blocks.0";
  }

  /**
   * x [B, F, C, h, w] to the same shape.
   *
   * @param positions the frames' rows of the position table, [F, C]
   */
  Value apply(Value x, Value positions) {
    var norm = new Op.GroupNorm(config.normGroups(), GROUP_NORM_EPS);
    Dim places = x.dim(0).times(x.dim(3)).times(x.dim(4));
    Value u =
        config
            .statistics()
            .apply(x, name + ".norm", norm)
            .transpose(0, 3, 4, 1, 2)
            .reshape(places, x.dim(1), channels);
    u = Layers.linear(u, name + ".proj_in", channels);
    u = u.plus(attention(u, ".norm1", ".attn1", positions));
    u = u.plus(attention(u, ".norm2", ".attn2", positions));
    Value normed = Layers.layerNorm(u, block() + ".norm3", LAYER_NORM_EPS);
    u = u.plus(new FeedForward(block() + ".ff").apply(normed));
    u = Layers.linear(u, name + ".proj_out", channels);
    return x.plus(
        u.reshape(x.dim(0), x.dim(3), x.dim(4), x.dim(1), channels).transpose(0, 3, 4, 1, 2));
  }

  private Value attention(Value x, String norm, String part, Value positions) {
    String attn = block() + part;
    Value u = Layers.layerNorm(x, block() + norm, LAYER_NORM_EPS).plus(positions);
    var attributes =
        new Op.Attention(config.heads(), 1 / Math.sqrt((double) channels / config.heads()));
    Value mixed =
        Layers.projection(u, attn + ".to_q", channels)
            .attention(
                attributes,
                Layers.projection(u, attn + ".to_k", channels),
                Layers.projection(u, attn + ".to_v", channels));
    return Layers.linear(mixed, attn + ".to_out.0", channels);
  }
}
