package io.github.tpdiff.runtime.reference;

import static io.github.tpdiff.runtime.graph.Op.ints;
import static io.github.tpdiff.runtime.graph.Value.input;
import static io.github.tpdiff.runtime.graph.Value.weight;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/** Linear, convolution, attention, rotary. */
final class ContractionCases {
  private ContractionCases() {}

  static List<OperationCase> all() {
    var x = input("x", "batch", "tokens", 8);
    var w = weight("w", 5, 8);
    var bias = weight("bias", 5);
    return List.of(
        new OperationCase("linear", x.linear(w)),
        new OperationCase("linear with bias", x.linear(w, bias)),
        new OperationCase("linear of rank 2", input("x", "batch", 8).linear(w, bias)),
        new OperationCase(
            "linear of rank 4 without bias", input("x", "batch", 2, "tokens", 8).linear(w)),
        new OperationCase("linear by a computed weight", x.linear(w.times(2), bias.plus(1))),
        new OperationCase("conv 1d", conv1d()),
        new OperationCase("conv 2d, padded by one", image().conv(sameConv2d(), kernel2d())),
        new OperationCase(
            "conv 2d, stride 2, asymmetric pads",
            image()
                .conv(new Op.Conv(ints(2, 2), ints(0, 0), ints(1, 1)), kernel2d(), weight("b", 4))),
        new OperationCase(
            "conv 2d, strides and pads differ by axis",
            image()
                .conv(new Op.Conv(ints(1, 2), ints(2, 0), ints(0, 1)), kernel2d(), weight("b", 4))),
        new OperationCase(
            "conv 3d, causal",
            video()
                .conv(
                    new Op.Conv(ints(1, 1, 1), ints(2, 1, 1), ints(0, 1, 1)),
                    weight("w", 4, 3, 3, 3, 3),
                    weight("b", 4))),
        new OperationCase(
            "conv 3d, patches",
            video()
                .conv(
                    new Op.Conv(ints(1, 2, 2), ints(0, 0, 0), ints(0, 0, 0)),
                    weight("w", 6, 3, 1, 2, 2),
                    weight("b", 6))),
        new OperationCase(
            "conv 3d, pointwise without bias",
            video()
                .conv(
                    new Op.Conv(ints(1, 1, 1), ints(0, 0, 0), ints(0, 0, 0)),
                    weight("w", 2, 3, 1, 1, 1))),
        new OperationCase(
            "conv 3d, temporal stride, every pad different",
            video()
                .conv(
                    new Op.Conv(ints(2, 1, 2), ints(1, 0, 2), ints(0, 2, 1)),
                    weight("w", 2, 3, 3, 2, 3))),
        new OperationCase("self attention", selfAttention()),
        new OperationCase("cross attention, values of another width", crossAttention()),
        new OperationCase("attention, bias per head", biased(1, 2, "tokens", "keys")),
        new OperationCase("attention, bias masks keys", maskedKeys()),
        new OperationCase("attention, one bias of keys for all", sharedKeyBias()),
        new OperationCase("attention, full bias", biased("batch", 2, "tokens", "keys")),
        new OperationCase("rotary, one head", rotary(1)),
        new OperationCase("rotary, three heads", rotary(3)));
  }

  private static Value conv1d() {
    return input("x", "batch", 3, "width")
        .conv(new Op.Conv(ints(1), ints(1), ints(1)), weight("w", 4, 3, 3), weight("b", 4));
  }

  private static Op.Conv sameConv2d() {
    return new Op.Conv(ints(1, 1), ints(1, 1), ints(1, 1));
  }

  private static Value image() {
    return input("x", "batch", 3, "height", "width");
  }

  private static Value kernel2d() {
    return weight("w", 4, 3, 3, 3);
  }

  private static Value video() {
    return input("x", "batch", 3, "frames", "height", "width");
  }

  private static Value selfAttention() {
    var q = input("q", "batch", "tokens", 8);
    var k = input("k", "batch", "tokens", 8);
    var v = input("v", "batch", "tokens", 8);
    return q.attention(new Op.Attention(2, 0.5), k, v);
  }

  private static Value crossAttention() {
    var q = input("q", "batch", "tokens", 8);
    var k = input("k", "batch", "keys", 8);
    var v = input("v", "batch", "keys", 12);
    return q.attention(new Op.Attention(2, 0.7), k, v);
  }

  private static Value biased(Object... biasShape) {
    var q = input("q", "batch", "tokens", 8);
    var k = input("k", "batch", "keys", 8);
    var v = input("v", "batch", "keys", 8);
    return q.attention(new Op.Attention(2, 1), k, v, input("bias", biasShape));
  }

  /**
   * About every other key is out of sight, as padding of a prompt is; by −30, beside which fp32
   * still holds the scores where all keys are.
   */
  private static Value maskedKeys() {
    var q = input("q", "batch", "tokens", 6);
    var k = input("k", "batch", "keys", 6);
    var v = input("v", "batch", "keys", 6);
    var mask = input("mask", "batch", 1, 1, "keys").clamp(-1e-3, 0).times(3e4);
    return q.attention(new Op.Attention(3, 0.7), k, v, mask);
  }

  private static Value sharedKeyBias() {
    var q = input("q", "batch", "tokens", 16);
    var k = input("k", "batch", "keys", 16);
    var v = input("v", "batch", "keys", 6);
    return q.attention(new Op.Attention(2, 0.3), k, v, input("bias", 1, 1, 1, "keys"));
  }

  private static Value rotary(int heads) {
    return input("x", "batch", "tokens", heads * 6)
        .rotary(heads, input("cos", "tokens", 3), input("sin", "tokens", 3));
  }
}
