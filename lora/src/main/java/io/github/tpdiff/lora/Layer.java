package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;
import java.util.Optional;

/**
 * A layer of a program that multiplies by a tensor of the checkpoint: linear or a convolution.
 *
 * @param name dotted module name in the checkpoint
 * @param x its input
 * @param given what a change is given of it: the same, or with elements dropped
 * @param w its weight, [out, in] or [out, in, kernel…]
 * @param y its output, the bias added
 */
public record Layer(String name, Value x, Value given, Value w, Value y) {
  static final String WEIGHT = ".weight";

  /**
   * The layer whose output a value is, if it is one.
   *
   * @param inputs of the value, as they are to be used
   */
  static Optional<Layer> of(Value value, List<Value> inputs) {
    boolean multiplies = value.op() instanceof Op.Linear || value.op() instanceof Op.Conv;
    if (multiplies
        && value.inputs().get(1).op() instanceof Op.Weight weight
        && weight.name().endsWith(WEIGHT)) {
      String tensor = weight.name();
      String name = tensor.substring(0, tensor.length() - WEIGHT.length());
      Value x = inputs.get(0);
      return Optional.of(new Layer(name, x, x, inputs.get(1), value));
    }
    return Optional.empty();
  }

  /** The same with something else for a change. */
  Layer giving(Value other) {
    return new Layer(name, x, other, w, y);
  }

  /** Whether a change is not given all of the input. */
  boolean drops() {
    return given != x;
  }

  /** The output for what a change is given, without the bias. */
  Value plain() {
    return y.op() instanceof Op.Conv conv ? given.conv(conv, w) : given.linear(w);
  }

  /** The bias [out], if there is one. */
  Optional<Value> bias() {
    return y.inputs().size() == 3 ? Optional.of(y.inputs().get(2)) : Optional.empty();
  }

  /** Features or channels out. */
  int out() {
    return size(0);
  }

  /** Numbers that make one of {@code y}: features in, times the kernel's size. */
  int in() {
    return kernel().stream().reduce(size(1), Math::multiplyExact);
  }

  /** The sizes of a convolution's kernel; empty for a linear layer. */
  List<Integer> kernel() {
    return w.shape().dims().stream().skip(2).map(d -> Math.toIntExact(d.value())).toList();
  }

  private int size(int axis) {
    return Math.toIntExact(w.dim(axis).value());
  }
}
