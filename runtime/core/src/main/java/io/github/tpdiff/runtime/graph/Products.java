package io.github.tpdiff.runtime.graph;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A segment as its backward pass sees it: where gradients pass by a formula, and which costly
 * results the pass reads.
 *
 * <p>Costly are products: linear layers, attention where it has a formula, sums of two products
 * that nothing else reads, as of a layer and its low-rank change; and of what goes element by
 * element GELU and rotations.
 */
public final class Products {
  private final Graph graph;
  private final Set<Value> reached;
  private final Set<Value> passing = new HashSet<>();
  private final Set<Value> products = new HashSet<>();
  private final Set<Value> elements = new HashSet<>();
  private final Set<Value> sums = new HashSet<>();
  private final Set<Value> needed = new HashSet<>();

  private Products(Graph graph, Set<Value> reached) {
    this.graph = graph;
    this.reached = reached;
  }

  /**
   * Of a segment.
   *
   * @param reached its values that gradients come by, see {@link GradientPaths#reached}
   * @param outputs those with gradients
   * @param attentionPasses whether attention's gradients are computed from what was kept of it
   */
  public static Products of(
      Graph graph, Set<Value> reached, List<String> outputs, boolean attentionPasses) {
    var found = new Products(graph, Set.copyOf(reached));
    found.findProducts(attentionPasses);
    found.findSums(outputs);
    found.findNeeded();
    return found;
  }

  private void findProducts(boolean attentionPasses) {
    Map<Value, Integer> readers = readers(Set.copyOf(graph.nodes()));
    graph.outputs().values().forEach(output -> readers.merge(output, 1, Integer::sum));
    for (Value node : graph.nodes()) {
      boolean attends =
          attentionPasses && node.op() instanceof Op.Attention && node.inputs().size() == 3;
      boolean addsProducts =
          is(node, Op.BinaryKind.ADD)
              && node.inputs().stream()
                  .allMatch(
                      term ->
                          products.contains(term)
                              && term.shape().equals(node.shape())
                              && readers.getOrDefault(term, 0) == 1);
      if (node.op() instanceof Op.Linear || attends || addsProducts) {
        products.add(node);
      } else if (node.op() instanceof Op.Rotary || isGelu(node)) {
        elements.add(node);
      }
      if (reached.contains(node)
          && (node.op() instanceof Op.Linear || attends || passesElements(node))) {
        passing.add(node);
      }
    }
  }

  private static boolean isGelu(Value node) {
    return node.op() instanceof Op.Unary unary
        && (unary.kind() == Op.UnaryKind.GELU_TANH || unary.kind() == Op.UnaryKind.GELU_ERF);
  }

  /** Whether there is a formula for gradients of a node that goes element by element or by rows. */
  private boolean passesElements(Value node) {
    if (node.op() instanceof Op.RmsNorm || node.op() instanceof Op.Rotary) {
      return node.inputs().stream().skip(1).noneMatch(reached::contains);
    }
    return isGelu(node) || passesArithmetic(node);
  }

  /** Whether the gradients of a sum's or product's operands are its own, maybe times a factor. */
  private boolean passesArithmetic(Value node) {
    List<Value> operands = node.inputs().stream().filter(reached::contains).toList();
    boolean isLinear =
        is(node, Op.BinaryKind.ADD)
            || is(node, Op.BinaryKind.SUB)
            || (is(node, Op.BinaryKind.MUL) && operands.size() == 1);
    return isLinear && operands.stream().allMatch(o -> o.shape().equals(node.shape()));
  }

  private static boolean is(Value node, Op.BinaryKind kind) {
    return node.op() instanceof Op.Binary binary && binary.kind() == kind;
  }

  private Map<Value, Integer> readers(Set<Value> among) {
    var readers = new HashMap<Value, Integer>();
    for (Value node : graph.nodes()) {
      if (among.contains(node)) {
        node.inputs().forEach(input -> readers.merge(input, 1, Integer::sum));
      }
    }
    return readers;
  }

  private void findSums(List<String> outputs) {
    outputs.forEach(name -> sums.add(graph.outputs().get(name)));
    var readers = new HashMap<Value, Integer>();
    for (Value node : graph.nodes()) {
      if (!reached.contains(node)) {
        continue;
      }
      if (node.isSource() || passes(node)) {
        sums.add(node);
      }
      for (Value input : new HashSet<>(node.inputs())) {
        if (reached.contains(input)
            && (passes(node) || readers.merge(input, 1, Integer::sum) > 1)) {
          sums.add(input);
        }
      }
    }
  }

  /** What derivatives read, and what it is made of from products on. */
  private void findNeeded() {
    for (Value node : graph.nodes()) {
      if (!reached.contains(node)) {
        continue;
      }
      if (passes(node)) {
        need(Derivatives.formulaReads(node, reached));
      } else { // recorded with all that it reads
        need(Derivatives.reads(node, reached));
        need(node.inputs().stream().filter(input -> !reached.contains(input)).toList());
      }
    }
  }

  private void need(Collection<Value> values) {
    for (Value value : values) {
      if (needed.add(value) && !isCostly(value)) {
        need(value.inputs());
      }
    }
  }

  public Graph graph() {
    return graph;
  }

  /** The values that gradients come by. */
  public Set<Value> reached() {
    return reached;
  }

  /** Whether gradients pass a node by a formula, without a record of how it was made. */
  public boolean passes(Value node) {
    return passing.contains(node);
  }

  /** Whether the gradients of a value are summed up before they are passed on. */
  public boolean sums(Value value) {
    return sums.contains(value);
  }

  /** Whether the backward pass reads a value. */
  public boolean isNeeded(Value value) {
    return needed.contains(value);
  }

  private boolean isCostly(Value value) {
    return products.contains(value) || elements.contains(value);
  }

  /** The costly results that the backward pass reads, in order, those without gradients as well. */
  public Set<Value> worthKeeping() {
    var worth = new LinkedHashSet<Value>(graph.nodes());
    worth.removeIf(value -> !isCostly(value));
    worth.retainAll(needed);
    return worth;
  }
}
