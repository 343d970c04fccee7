package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.Collections;
import java.util.List;

/** Layers with their checkpoint tensors: {@code name.weight} and {@code name.bias}. */
public final class Layers {
  private Layers() {}

  /** x [..., in] to [..., out], with bias. */
  public static Value linear(Value x, String name, long out) {
    return x.linear(
        Value.weight(name + ".weight", out, x.dim(-1).value()), Value.weight(name + ".bias", out));
  }

  /** x [..., in] to [..., out], without bias. */
  public static Value projection(Value x, String name, long out) {
    return x.linear(Value.weight(name + ".weight", out, x.dim(-1).value()));
  }

  public static Value layerNorm(Value x, String name, double eps) {
    long width = x.dim(-1).value();
    return x.layerNorm(
        eps, Value.weight(name + ".weight", width), Value.weight(name + ".bias", width));
  }

  public static Value rmsNorm(Value x, String name, double eps) {
    return x.rmsNorm(eps, Value.weight(name + ".weight", x.dim(-1).value()));
  }

  /** A convolution whose patches tile x: stride = kernel, no padding. */
  public static Value patches(Value x, String name, long out, List<Integer> kernel) {
    long[] shape = new long[kernel.size() + 2];
    shape[0] = out;
    shape[1] = x.dim(1).value();
    for (int i = 0; i < kernel.size(); i++) {
      shape[i + 2] = kernel.get(i);
    }
    var none = Collections.nCopies(kernel.size(), 0);
    return x.conv(
        new Op.Conv(kernel, none, none),
        Value.weight(name + ".weight", shape),
        Value.weight(name + ".bias", out));
  }
}
