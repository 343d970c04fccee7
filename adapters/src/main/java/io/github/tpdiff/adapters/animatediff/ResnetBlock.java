package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;

/** Two convolutions with the timestep added between them, and what came in added to the result. */
record ResnetBlock(UnetConfig config, String name, int channels) {

  /**
   * x [B, F, C, h, w] to [B, F, channels, h, w].
   *
   * @param temb the activated timestep embedding [B, timeWidth]
   */
  Value apply(Value x, Value temb) {
    var norm = new Op.GroupNorm(config.normGroups(), config.normEps());
    Value time = Layers.linear(temb, name + ".time_emb_proj", channels);
    Value u = config.statistics().apply(x, name + ".norm1", norm).silu();
    u = Pictures.each(u, pictures -> PictureLayers.conv3x3(pictures, name + ".conv1", channels));
    u = u.plus(time.reshape(temb.dim(0), 1, channels, 1, 1));
    u = config.statistics().apply(u, name + ".norm2", norm).silu();
    u = Pictures.each(u, pictures -> PictureLayers.conv3x3(pictures, name + ".conv2", channels));
    return u.plus(shortcut(x));
  }

  private Value shortcut(Value x) {
    return x.dim(2).is(channels)
        ? x
        : Pictures.each(x, p -> PictureLayers.pointwise(p, name + ".conv_shortcut", channels));
  }
}
