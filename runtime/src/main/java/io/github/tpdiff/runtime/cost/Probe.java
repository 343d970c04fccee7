package io.github.tpdiff.runtime.cost;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;
import java.util.Map;

/** A small program that shows one rate of a machine. */
enum Probe {
  /** Hundreds of operations on next to nothing. */
  OVERHEAD,
  /** What a transformer block does between its products. */
  ELEMENTWISE,
  LINEAR,
  CONV,
  ATTENTION_SHORT,
  /** As {@link #ATTENTION_SHORT}, twice as long. */
  ATTENTION_LONG;

  private static final int HEAD = 128;

  Program program(Calibration.Size size) {
    Value x = Value.input("x", 1, "tokens", size.width());
    return new Program("probe", List.of(Graph.of(name(), "y", body(x))), List.of("y"));
  }

  private Value body(Value x) {
    return switch (this) {
      case OVERHEAD -> manySmall(x);
      case ELEMENTWISE -> pointwise(x);
      case LINEAR -> products(x);
      case CONV -> convolution(x);
      case ATTENTION_SHORT, ATTENTION_LONG -> attention(x);
    };
  }

  Map<String, long[]> inputShapes(Calibration.Size size) {
    return Map.of(
        "x", new long[] {1, size.tokens() * (this == ATTENTION_LONG ? 2L : 1L), size.width()});
  }

  private static Value manySmall(Value x) {
    Value y = x.slice(1, 0, 1).slice(2, 0, 8);
    for (int i = 0; i < 200; i++) {
      y = y.times(i % 2 == 0 ? 0.5 : 2);
    }
    return y;
  }

  private static Value pointwise(Value x) {
    Value y = x;
    for (int i = 0; i < 3; i++) {
      y =
          y.plus(
              y.layerNorm(1e-6)
                  .scaleShift(Value.weight("scale", width(x)), Value.weight("shift", width(x)))
                  .geluTanh());
    }
    return y;
  }

  private static Value products(Value x) {
    long width = width(x);
    return x.linear(Value.weight("up", 4 * width, width), Value.weight("up.bias", 4 * width))
        .linear(Value.weight("down", width, 4 * width), Value.weight("down.bias", width));
  }

  private static Value convolution(Value x) {
    int channels = HEAD / 4;
    var conv = new Op.Conv(List.of(1, 1, 1), List.of(2, 1, 1), List.of(0, 1, 1));
    Value kernel = Value.weight("kernel", channels, channels, 3, 3, 3);
    return x.reshape(1, channels, x.dim(1), width(x) / HEAD, 4).conv(conv, kernel);
  }

  private static Value attention(Value x) {
    var heads = new Op.Attention(Math.toIntExact(width(x) / HEAD), 1 / Math.sqrt(HEAD));
    return x.attention(heads, x, x);
  }

  private static long width(Value x) {
    return x.dim(2).value();
  }
}
