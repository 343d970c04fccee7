package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Attention within each frame, and of each frame to the prompt ({@code Transformer2DModel} of
 * diffusers).
 */
record SpatialTransformer(UnetConfig config, String name, int channels) {
  /** Not the residual blocks' epsilon. */
  private static final double GROUP_NORM_EPS = 1e-6;

  private static final double LAYER_NORM_EPS = 1e-5;

  private String block() {
    return name + ".transformer_blocks.0";
  }

  private Op.Attention attention() {
    return new Op.Attention(config.heads(), 1 / Math.sqrt((double) channels / config.heads()));
  }

  /** x [B, F, C, h, w] to the same shape. */
  Value apply(Value x) {
    var norm = new Op.GroupNorm(config.normGroups(), GROUP_NORM_EPS);
    return x.plus(
        Pictures.each(
            x,
            pictures -> {
              Value u = PictureLayers.groupNorm(pictures, name + ".norm", norm);
              u = PictureLayers.pointwise(u, name + ".proj_in", channels);
              Dim tokens = u.dim(2).times(u.dim(3));
              Value y = transform(u.transpose(0, 2, 3, 1).reshape(u.dim(0), tokens, channels), x);
              y = y.reshape(u.dim(0), u.dim(2), u.dim(3), channels).transpose(0, 3, 1, 2);
              return PictureLayers.pointwise(y, name + ".proj_out", channels);
            }));
  }

  /** Tokens [B·F, h·w, C]. */
  private Value transform(Value tokens, Value clip) {
    Value x = tokens;
    x = x.plus(selfAttention(Layers.layerNorm(x, block() + ".norm1", LAYER_NORM_EPS)));
    x = x.plus(crossAttention(Layers.layerNorm(x, block() + ".norm2", LAYER_NORM_EPS), clip));
    Value u = Layers.layerNorm(x, block() + ".norm3", LAYER_NORM_EPS);
    return x.plus(new FeedForward(block() + ".ff").apply(u));
  }

  private Value selfAttention(Value u) {
    String attn = block() + ".attn1";
    Value mixed =
        Layers.projection(u, attn + ".to_q", channels)
            .attention(
                attention(),
                Layers.projection(u, attn + ".to_k", channels),
                Layers.projection(u, attn + ".to_v", channels));
    return Layers.linear(mixed, attn + ".to_out.0", channels);
  }

  /** All frames of a clip ask the same prompt, so they are one row of queries. */
  private Value crossAttention(Value u, Value clip) {
    String attn = block() + ".attn2";
    Dim batch = clip.dim(0);
    Value queries =
        Layers.projection(u, attn + ".to_q", channels)
            .reshape(batch, clip.dim(1).times(u.dim(1)), channels);
    Value mixed = queries.attention(attention(), context(".k", batch), context(".v", batch));
    return Layers.linear(mixed.reshape(u.shape().dims().toArray()), attn + ".to_out.0", channels);
  }

  private Value context(String part, Dim batch) {
    return Value.input(block() + ".attn2" + part, batch, "text", channels);
  }

  /** {@code encoder_hidden_states} [batch, text, d] to the keys and values of the prompt. */
  Graph conditioning() {
    String attn = block() + ".attn2";
    Value text = Value.input("encoder_hidden_states", "batch", "text", config.textDim());
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put(attn + ".k", Layers.projection(text, attn + ".to_k", channels));
    outputs.put(attn + ".v", Layers.projection(text, attn + ".to_v", channels));
    return new Graph(name + ".conditioning", outputs);
  }
}
