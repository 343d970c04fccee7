package io.github.tpdiff.runtime.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Which values the derivative of an operation reads. */
final class Derivatives {
  private Derivatives() {}

  /**
   * What the gradients of a node's inputs are computed from beside the node's own gradient.
   *
   * @param reached the values that have gradients
   */
  static List<Value> reads(Value node, Set<Value> reached) {
    Op op = node.op();
    if (op instanceof Op.Binary binary) {
      return switch (binary.kind()) {
        case ADD, SUB -> List.of();
        case MUL -> others(node, reached);
        case DIV -> withItself(node);
      };
    }
    if (op instanceof Op.Linear) {
      return others(node, reached);
    }
    boolean hasFixedFactors =
        op instanceof Op.Dropout
            || op instanceof Op.Reshape
            || op instanceof Op.Transpose
            || op instanceof Op.Slice
            || op instanceof Op.Concat
            || op instanceof Op.Pad
            || op instanceof Op.Repeat
            || op instanceof Op.Expand
            || op instanceof Op.Cast;
    return hasFixedFactors ? List.of() : withItself(node);
  }

  /** The same where the gradients pass by a formula. */
  static List<Value> formulaReads(Value node, Set<Value> reached) {
    Op op = node.op();
    if (op instanceof Op.Attention) {
      return withItself(node);
    }
    if (op instanceof Op.RmsNorm || op instanceof Op.Unary) {
      return node.inputs();
    }
    if (op instanceof Op.Rotary) {
      return node.inputs().subList(1, node.inputs().size());
    }
    return reads(node, reached);
  }

  /** Of a product: the factors of what has a gradient. A bias multiplies nothing. */
  private static List<Value> others(Value node, Set<Value> reached) {
    var read = new ArrayList<Value>();
    if (reached.contains(node.inputs().get(0))) {
      read.add(node.inputs().get(1));
    }
    if (reached.contains(node.inputs().get(1))) {
      read.add(node.inputs().get(0));
    }
    return read;
  }

  private static List<Value> withItself(Value node) {
    var read = new ArrayList<>(node.inputs());
    read.add(node);
    return read;
  }
}
