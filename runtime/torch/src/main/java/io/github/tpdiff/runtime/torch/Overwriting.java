package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which sums and products of elements may take the memory of an operand: one that nothing else
 * reads. New memory costs more than the arithmetic, since the system clears it first.
 */
final class Overwriting {
  private final Map<Value, Integer> readers;
  private final Set<Value> lasting;

  private Overwriting(Map<Value, Integer> readers, Set<Value> lasting) {
    this.readers = readers;
    this.lasting = lasting;
  }

  /**
   * @param read what is computed of the graph
   * @param outputs and
   * @param kept that outlive it
   */
  static Overwriting of(
      Graph graph, Set<Value> read, Collection<Value> outputs, Collection<Value> kept) {
    var readers = new HashMap<Value, Integer>();
    for (Value node : graph.nodes()) {
      if (read.contains(node)) {
        node.inputs().forEach(input -> readers.merge(input, 1, Integer::sum));
      }
    }
    var lasting = new HashSet<>(outputs);
    lasting.addAll(kept);
    return new Overwriting(readers, lasting);
  }

  /** The operand whose memory a node may take. */
  Optional<Value> operand(Value node) {
    if (!(node.op() instanceof Op.Binary binary)) {
      return Optional.empty();
    }
    Value left = node.inputs().get(0);
    Value right = node.inputs().get(1);
    if (isFree(left, node)) {
      return Optional.of(left);
    }
    boolean commutes = binary.kind() == Op.BinaryKind.ADD || binary.kind() == Op.BinaryKind.MUL;
    return commutes && isFree(right, node) ? Optional.of(right) : Optional.empty();
  }

  /** Of a sum that takes an operand's memory: the other, if it is a product to be added there. */
  Optional<Value> added(Value node) {
    if (!(node.op() instanceof Op.Binary binary) || binary.kind() != Op.BinaryKind.ADD) {
      return Optional.empty();
    }
    return operand(node)
        .map(taken -> node.inputs().get(node.inputs().get(0) == taken ? 1 : 0))
        .filter(other -> other.op() instanceof Op.Linear && other.inputs().size() == 2)
        .filter(other -> isReadOnce(other, node));
  }

  private boolean isReadOnce(Value value, Value node) {
    return value.shape().equals(node.shape())
        && !lasting.contains(value)
        && readers.getOrDefault(value, 0) == 1;
  }

  private boolean isFree(Value value, Value node) {
    if (!isReadOnce(value, node)) {
      return false;
    }
    Op op = value.op();
    if (op instanceof Op.Reshape) {
      return isFree(value.inputs().get(0), value.inputs().get(0));
    }
    return op instanceof Op.Linear
        || op instanceof Op.Conv
        || op instanceof Op.LayerNorm
        || op instanceof Op.RmsNorm
        || op instanceof Op.Unary
        || op instanceof Op.Binary;
  }
}
