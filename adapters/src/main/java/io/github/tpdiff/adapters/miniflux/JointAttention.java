package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a block reads, attention over text and video together, and what the block gives back. Text
 * comes before video.
 *
 * @param context text [batch, text, width]
 * @param grid video tokens [batch, frames, rows, columns, width]
 * @param temb activated embedding of timestep and pooled text [batch, width]
 * @param cos of the positions of text and video [tokens, headDim / 2]
 * @param sin as {@code cos}
 * @param bias of what is seen, [batch, 1, 1 or tokens, tokens]
 */
record JointAttention(
    PyramidFluxConfig config,
    Value context,
    Value grid,
    Value temb,
    Value cos,
    Value sin,
    Value bias) {

  static JointAttention of(PyramidFluxConfig config, FrameAttention frames) {
    int width = config.width();
    Value context = Value.input("context", "batch", "text", width);
    Value grid = Value.input("x", "batch", "frames", "rows", "columns", width);
    Dim tokens = tokens(context, grid);
    return new JointAttention(
        config,
        context,
        grid,
        Value.input("temb", "batch", width),
        Value.input("rope_cos", tokens, config.headDim() / 2),
        Value.input("rope_sin", tokens, config.headDim() / 2),
        frames == FrameAttention.FULL
            ? Value.input("attention_bias", "batch", 1, 1, tokens)
            : Value.input("attention_bias", "batch", 1, tokens, tokens));
  }

  private static Dim tokens(Value context, Value grid) {
    return context.dim(1).plus(videoTokens(grid));
  }

  private static Dim videoTokens(Value grid) {
    return grid.dim(1).times(grid.dim(2)).times(grid.dim(3));
  }

  /** The video tokens in a row, [batch, frames · rows · columns, width]. */
  Value video() {
    return grid.reshape(grid.dim(0), videoTokens(grid), config.width());
  }

  /** {@code count} vectors [batch, 1, width] that modulate a block, from {@code temb}. */
  List<Value> modulation(String name, int count) {
    int width = config.width();
    return Layers.linear(temb, name, (long) count * width)
        .reshape(temb.dim(0), count, width)
        .split(1, count);
  }

  /** Attention of all tokens [batch, tokens, width] with normalised queries and keys. */
  Value mixed(Value queries, Value keys, Value values) {
    var attention = new Op.Attention(config.heads(), 1 / Math.sqrt(config.headDim()));
    return queries
        .rotary(config.heads(), cos, sin)
        .attention(attention, keys.rotary(config.heads(), cos, sin), values, bias);
  }

  /** A projection, each head of it normalised by itself with weights that all heads share. */
  Value normalised(Value u, String projection, String norm) {
    Value heads =
        Layers.linear(u, projection, config.width())
            .reshape(u.dim(0), u.dim(1), config.heads(), config.headDim());
    return Layers.rmsNorm(heads, norm, PyramidFluxConfig.EPS)
        .reshape(u.dim(0), u.dim(1), config.width());
  }

  /** The text of all tokens. */
  Value textOf(Value tokens) {
    return tokens.slice(1, Dim.of(0), context.dim(1));
  }

  /** The video of all tokens. */
  Value videoOf(Value tokens) {
    return tokens.slice(1, context.dim(1), tokens.dim(1));
  }

  /** A block's graph, from its text [batch, text, width] and its video in a row. */
  Graph graph(String name, Value text, Value video) {
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("context", text);
    outputs.put("x", video.reshape(grid.shape().dims().toArray()));
    return new Graph(name, outputs);
  }
}
