package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.graph.Value;
import java.util.function.BinaryOperator;
import java.util.function.Function;

/**
 * A layer of CLIP's encoders (Radford et al. 2021): attention, then feed-forward, each behind a
 * norm and added to what it was given.
 *
 * @param heads of the attention
 * @param ffnDim width between the two feed-forward layers
 * @param activation between them
 * @param eps of the norms
 */
record ClipLayer(int heads, int ffnDim, UnaryKind activation, double eps) {
  /** Rows x [batch, n, width] that all see one another. */
  Value apply(String name, Value x) {
    Op.Attention attention = attention(x);
    return apply(name, x, q -> (k, v) -> q.attention(attention, k, v));
  }

  /** The same with a bias on the logits that broadcasts to [batch, heads, n, n]. */
  Value apply(String name, Value x, Value bias) {
    Op.Attention attention = attention(x);
    return apply(name, x, q -> (k, v) -> q.attention(attention, k, v, bias));
  }

  private Op.Attention attention(Value x) {
    double headDim = (double) x.dim(-1).value() / heads;
    return new Op.Attention(heads, 1 / Math.sqrt(headDim));
  }

  private Value apply(String name, Value x, Function<Value, BinaryOperator<Value>> mix) {
    long width = x.dim(-1).value();
    String attn = name + ".self_attn";
    Value u = Layers.layerNorm(x, name + ".layer_norm1", eps);
    Value q = Layers.linear(u, attn + ".q_proj", width);
    Value k = Layers.linear(u, attn + ".k_proj", width);
    Value v = Layers.linear(u, attn + ".v_proj", width);
    Value y = x.plus(Layers.linear(mix.apply(q).apply(k, v), attn + ".out_proj", width));
    u = Layers.linear(Layers.layerNorm(y, name + ".layer_norm2", eps), name + ".mlp.fc1", ffnDim);
    return y.plus(Layers.linear(u.apply(activation), name + ".mlp.fc2", width));
  }
}
