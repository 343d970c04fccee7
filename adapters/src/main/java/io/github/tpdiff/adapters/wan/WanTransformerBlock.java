package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One block: modulated self-attention with rotary positions, cross-attention to the prompt,
 * modulated feed-forward. Tokens flow between blocks as x [batch, frames, rows, columns, width].
 */
final class WanTransformerBlock {
  private final WanTransformerConfig config;
  private final String name;
  private final int width;
  private final Op.Attention attention;

  WanTransformerBlock(WanTransformerConfig config, int index) {
    this.config = config;
    this.name = "blocks." + index;
    this.width = config.width();
    this.attention = new Op.Attention(config.heads(), 1 / Math.sqrt(config.headDim()));
  }

  /**
   * {@code x}, {@code time_proj} [times, 6·width], {@code rope_cos} and {@code rope_sin} [tokens,
   * headDim / 2] and this block's keys and values of {@link #conditioning()} to {@code x}. The
   * times are those of {@link Timesteps}.
   */
  Graph graph() {
    Value grid = Value.input("x", "batch", "frames", "rows", "columns", width);
    Dim batch = grid.dim(0);
    Dim tokens = Timesteps.tokens(grid.shape());
    Timesteps times = config.timesteps();
    Value timeProj = Value.input("time_proj", times.extents(grid.shape(), 6L * width));
    Value cos = Value.input("rope_cos", tokens, config.headDim() / 2);
    Value sin = Value.input("rope_sin", tokens, config.headDim() / 2);

    List<Value> m =
        Value.weight(name + ".scale_shift_table", 1, 6, width)
            .plus(timeProj.reshape(times.extents(grid.shape(), 6, width)))
            .split(-2, 6);
    Object[] sequence = {batch, tokens, width};
    Object[] rows = times.rows(grid.shape(), width);
    Value x = grid.reshape(rows);
    Value u = as(sequence, x.layerNorm(config.eps()).scaleShift(m.get(1), m.get(0)));
    x = x.plus(as(rows, selfAttention(u, cos, sin)).times(m.get(2)));
    u = as(sequence, Layers.layerNorm(x, name + ".norm2", config.eps()));
    x = x.plus(as(rows, crossAttention(u)));
    u = x.layerNorm(config.eps()).scaleShift(m.get(4), m.get(3));
    x = x.plus(feedForward(u).times(m.get(5)));
    return Graph.of(name, "x", x.reshape(grid.shape().dims().toArray()));
  }

  private static Value as(Object[] extents, Value x) {
    return x.shape().equals(Shape.of(extents)) ? x : x.reshape(extents);
  }

  private Value selfAttention(Value u, Value cos, Value sin) {
    String attn = name + ".attn1";
    Value q = normalized(Layers.linear(u, attn + ".to_q", width), attn + ".norm_q");
    Value k = normalized(Layers.linear(u, attn + ".to_k", width), attn + ".norm_k");
    Value v = Layers.linear(u, attn + ".to_v", width);
    Value mixed =
        q.rotary(config.heads(), cos, sin)
            .attention(attention, k.rotary(config.heads(), cos, sin), v);
    return Layers.linear(mixed, attn + ".to_out.0", width);
  }

  private Value crossAttention(Value u) {
    String attn = name + ".attn2";
    Value q = normalized(Layers.linear(u, attn + ".to_q", width), attn + ".norm_q");
    Value mixed = q.attention(attention, context(".k", "text"), context(".v", "text"));
    if (config.image().isPresent()) {
      Value image = q.attention(attention, context(".k_img", "image"), context(".v_img", "image"));
      mixed = mixed.plus(image);
    }
    return Layers.linear(mixed, attn + ".to_out.0", width);
  }

  private Value context(String part, String length) {
    return Value.input(name + ".attn2" + part, "batch", length, width);
  }

  private Value feedForward(Value u) {
    Value hidden = Layers.linear(u, name + ".ffn.net.0.proj", config.ffnDim()).geluTanh();
    return Layers.linear(hidden, name + ".ffn.net.2", width);
  }

  /** RMS over all heads together, before they are told apart. */
  private Value normalized(Value x, String norm) {
    return Layers.rmsNorm(x, norm, config.eps());
  }

  /**
   * {@code context} [batch, text, width], and {@code image_context} [batch, image, width] where the
   * model has it, to this block's cross-attention keys and values.
   */
  Graph conditioning() {
    String attn = name + ".attn2";
    Map<String, Value> outputs = new LinkedHashMap<>();
    Value text = Value.input("context", "batch", "text", width);
    Value k = Layers.linear(text, attn + ".to_k", width);
    outputs.put(attn + ".k", normalized(k, attn + ".norm_k"));
    outputs.put(attn + ".v", Layers.linear(text, attn + ".to_v", width));
    if (config.image().isPresent()) {
      Value image = Value.input("image_context", "batch", "image", width);
      Value imageK = Layers.linear(image, attn + ".add_k_proj", width);
      outputs.put(attn + ".k_img", normalized(imageK, attn + ".norm_added_k"));
      outputs.put(attn + ".v_img", Layers.linear(image, attn + ".add_v_proj", width));
    }
    return new Graph(name + ".conditioning", outputs);
  }
}
