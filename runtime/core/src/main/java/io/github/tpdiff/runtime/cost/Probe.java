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
  /** Products with large weights, of few tokens. */
  LINEAR_SHORT,
  /** The same of many. */
  LINEAR_LONG,
  /** A convolution with large weights, of one small picture. */
  CONV_SHORT,
  /** The same of many. */
  CONV_LONG,
  ATTENTION_SHORT,
  /** As {@link #ATTENTION_SHORT}, twice as long. */
  ATTENTION_LONG;

  private static final int HEAD = 128;

  /** Pixels of a probe's pictures a side. */
  private static final int SIDE = 8;

  /** How many times less the short probes multiply. */
  private static final int SHORTER = 16;

  Program program(Calibration.Size size) {
    Value x =
        switch (this) {
          case CONV_SHORT, CONV_LONG -> Value.input("x", "pictures", size.width(), SIDE, SIDE);
          default -> Value.input("x", 1, "tokens", size.width());
        };
    return new Program("probe", List.of(Graph.of(name(), "y", body(x))), List.of("y"));
  }

  private Value body(Value x) {
    return switch (this) {
      case OVERHEAD -> manySmall(x);
      case ELEMENTWISE -> pointwise(x);
      case LINEAR_SHORT, LINEAR_LONG -> products(x);
      case CONV_SHORT, CONV_LONG -> convolution(x);
      case ATTENTION_SHORT, ATTENTION_LONG -> attention(x);
    };
  }

  Map<String, long[]> inputShapes(Calibration.Size size) {
    long pictures = Math.max(SHORTER, size.tokens() / (SIDE * SIDE));
    long[] shape =
        switch (this) {
          case CONV_SHORT -> new long[] {pictures / SHORTER, size.width(), SIDE, SIDE};
          case CONV_LONG -> new long[] {pictures, size.width(), SIDE, SIDE};
          case LINEAR_SHORT -> new long[] {1, Math.max(1, size.tokens() / SHORTER), size.width()};
          case ATTENTION_LONG -> new long[] {1, 2L * size.tokens(), size.width()};
          default -> new long[] {1, size.tokens(), size.width()};
        };
    return Map.of("x", shape);
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
    long width = x.dim(1).value();
    var conv = new Op.Conv(List.of(1, 1), List.of(1, 1), List.of(1, 1));
    return x.conv(conv, Value.weight("kernel", width, width, 3, 3));
  }

  private static Value attention(Value x) {
    var heads = new Op.Attention(Math.toIntExact(width(x) / HEAD), 1 / Math.sqrt(HEAD));
    return x.attention(heads, x, x);
  }

  private static long width(Value x) {
    return x.dim(2).value();
  }
}
