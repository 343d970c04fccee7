package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/** GEGLU to four times the width and back: {@code value · gelu(gate)} (Shazeer 2020). */
record FeedForward(String name) {
  Value apply(Value x) {
    long width = x.dim(-1).value();
    List<Value> halves = Layers.linear(x, name + ".net.0.proj", 8 * width).split(2, 2);
    return Layers.linear(halves.get(0).times(halves.get(1).geluErf()), name + ".net.2", width);
  }
}
