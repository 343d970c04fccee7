package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/** Layers on pictures [N, C, h, w], with their checkpoint tensors. */
final class PictureLayers {
  private static final Op.Conv POINTWISE = new Op.Conv(List.of(1, 1), List.of(0, 0), List.of(0, 0));
  private static final Op.Conv SAME = new Op.Conv(List.of(1, 1), List.of(1, 1), List.of(1, 1));

  private PictureLayers() {}

  /** A 3×3 convolution that keeps the size. */
  static Value conv3x3(Value x, String name, long out) {
    return conv3x3(x, name, out, SAME);
  }

  static Value conv3x3(Value x, String name, long out, Op.Conv attributes) {
    return conv(x, name, Value.weight(name + ".weight", out, channels(x), 3, 3), attributes);
  }

  /** A 1×1 convolution. */
  static Value pointwise(Value x, String name, long out) {
    return conv(x, name, Value.weight(name + ".weight", out, channels(x), 1, 1), POINTWISE);
  }

  private static Value conv(Value x, String name, Value kernel, Op.Conv attributes) {
    return x.conv(attributes, kernel, Value.weight(name + ".bias", kernel.dim(0).value()));
  }

  /** The norm of [N, C, s...] that the layer's weights scale and shift. */
  static Value groupNorm(Value x, String name, Op.GroupNorm attributes) {
    long channels = channels(x);
    return x.groupNorm(
        attributes,
        Value.weight(name + ".weight", channels),
        Value.weight(name + ".bias", channels));
  }

  private static long channels(Value x) {
    return x.dim(1).value();
  }
}
