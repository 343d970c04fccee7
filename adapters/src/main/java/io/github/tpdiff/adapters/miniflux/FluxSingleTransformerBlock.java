package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/** A "single" block: the same weights for text and video, attention and feed-forward at once. */
record FluxSingleTransformerBlock(PyramidFluxConfig config, int index) {

  /** {@code x} and {@code context} to {@code x} and {@code context}; see {@link JointAttention}. */
  Graph graph(FrameAttention frames) {
    String name = "single_transformer_blocks." + index;
    String attn = name + ".attn";
    JointAttention joint = JointAttention.of(config, frames);
    List<Value> m = joint.modulation(name + ".norm.linear", 3);
    Value x = Value.concat(1, joint.context(), joint.video());
    Value u = x.layerNorm(PyramidFluxConfig.EPS).scaleShift(m.get(1), m.get(0));
    Value mixed =
        joint.mixed(
            joint.normalised(u, attn + ".to_q", attn + ".norm_q"),
            joint.normalised(u, attn + ".to_k", attn + ".norm_k"),
            Layers.linear(u, attn + ".to_v", config.width()));
    Value hidden = Layers.linear(u, name + ".proj_mlp", config.mlpDim()).geluTanh();
    Value out = Layers.linear(Value.concat(2, mixed, hidden), name + ".proj_out", config.width());
    x = x.plus(out.times(m.get(2)));
    return joint.graph(name, joint.textOf(x), joint.videoOf(x));
  }
}
