package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/** A "double" block: text and video with weights of their own, in one attention. */
record FluxTransformerBlock(PyramidFluxConfig config, int index) {

  /** {@code x} and {@code context} to {@code x} and {@code context}; see {@link JointAttention}. */
  Graph graph(FrameAttention frames) {
    String name = "transformer_blocks." + index;
    String attn = name + ".attn";
    JointAttention joint = JointAttention.of(config, frames);
    List<Value> m = joint.modulation(name + ".norm1.linear", 6);
    List<Value> n = joint.modulation(name + ".norm1_context.linear", 6);
    Value x = joint.video();
    Value text = joint.context();
    Value u = norm(x).scaleShift(m.get(1), m.get(0));
    Value c = norm(text).scaleShift(n.get(1), n.get(0));
    Value mixed =
        joint.mixed(
            Value.concat(
                1,
                joint.normalised(c, attn + ".add_q_proj", attn + ".norm_added_q"),
                joint.normalised(u, attn + ".to_q", attn + ".norm_q")),
            Value.concat(
                1,
                joint.normalised(c, attn + ".add_k_proj", attn + ".norm_added_k"),
                joint.normalised(u, attn + ".to_k", attn + ".norm_k")),
            Value.concat(
                1,
                Layers.linear(c, attn + ".add_v_proj", config.width()),
                Layers.linear(u, attn + ".to_v", config.width())));
    Value seen = Layers.linear(joint.videoOf(mixed), attn + ".to_out.0", config.width());
    Value read = Layers.linear(joint.textOf(mixed), attn + ".to_add_out", config.width());
    x = x.plus(seen.times(m.get(2)));
    x = x.plus(feedForward(norm(x).scaleShift(m.get(4), m.get(3)), name + ".ff").times(m.get(5)));
    text = text.plus(read.times(n.get(2)));
    c = norm(text).scaleShift(n.get(4), n.get(3));
    text = text.plus(feedForward(c, name + ".ff_context").times(n.get(5)));
    return joint.graph(name, text, x);
  }

  private static Value norm(Value x) {
    return x.layerNorm(PyramidFluxConfig.EPS);
  }

  private Value feedForward(Value u, String name) {
    Value hidden = Layers.linear(u, name + ".net.0.proj", config.mlpDim()).geluTanh();
    return Layers.linear(hidden, name + ".net.2", config.width());
  }
}
