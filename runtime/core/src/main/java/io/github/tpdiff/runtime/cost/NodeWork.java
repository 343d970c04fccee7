package io.github.tpdiff.runtime.cost;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.Map;

/** The price of one node at concrete sizes. */
final class NodeWork {
  private final Map<String, Long> binding;

  NodeWork(Map<String, Long> binding) {
    this.binding = binding;
  }

  Work of(Value node) {
    Op op = node.op();
    if (isFree(op)) {
      return Work.NONE;
    } else if (op instanceof Op.Linear) {
      Value weight = node.inputs().get(1);
      return Work.linear(
          new Work.Products(flops(elements(node), extent(weight, 1)), elements(weight)));
    } else if (op instanceof Op.Conv) {
      Value weight = node.inputs().get(1);
      long taps = elements(weight) / extent(weight, 0);
      return Work.conv(new Work.Products(flops(elements(node), taps), elements(weight)));
    } else if (op instanceof Op.Attention) {
      Value q = node.inputs().get(0);
      Value v = node.inputs().get(2);
      long scores = flops(elements(q), extent(v, 1));
      long mixed = flops(elements(node), extent(v, 1));
      return Work.attention(Math.addExact(scores, mixed));
    }
    long bytes = bytes(node);
    for (Value input : node.inputs()) {
      bytes = Math.addExact(bytes, read(node, input));
    }
    return Work.memory(node.op() instanceof Op.Dropout ? hashed(bytes) : bytes);
  }

  /** Bits are mixed in ten passes over 32-bit numbers, about as many bytes as of x and y each. */
  private static long hashed(long bytes) {
    return Math.multiplyExact(11, bytes);
  }

  /** Sources are there already; a reshape moves nothing, nor does what only ends gradients. */
  static boolean isFree(Op op) {
    return isSource(op) || op instanceof Op.Reshape || op instanceof Op.Detach;
  }

  static boolean isSource(Op op) {
    return op instanceof Op.Input
        || op instanceof Op.Weight
        || op instanceof Op.FloatConstant
        || op instanceof Op.LongConstant;
  }

  /** Layout operations read only what they give. */
  private long read(Value node, Value input) {
    boolean part = node.op() instanceof Op.Slice || node.op() instanceof Op.Gather;
    return part ? Math.min(bytes(node), bytes(input)) : bytes(input);
  }

  private static long flops(long products, long length) {
    return Math.multiplyExact(2, Math.multiplyExact(products, length));
  }

  long tokens(Value node) {
    return node.op() instanceof Op.Attention ? extent(node, 1) : 0;
  }

  long bytes(Value value) {
    return Math.multiplyExact(elements(value), (long) value.type().bytes());
  }

  private long elements(Value value) {
    return value.shape().elementCount().evaluate(binding);
  }

  private long extent(Value value, int axis) {
    return value.dim(axis).evaluate(binding);
  }
}
