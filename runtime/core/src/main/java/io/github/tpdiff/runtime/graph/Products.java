package io.github.tpdiff.runtime.graph;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The costly operations of a segment as its backward pass sees them.
 *
 * @param graph the segment
 * @param reached its values that gradients come by
 * @param sums of these, those whose gradients are summed up before they are passed on
 * @param attentionPasses whether attention's gradients are computed from what was kept of it
 */
public record Products(Graph graph, Set<Value> reached, Set<Value> sums, boolean attentionPasses) {

  public Products {
    reached = Set.copyOf(reached);
    sums = Set.copyOf(sums);
  }

  /**
   * Of a segment.
   *
   * @param reached its values that gradients come by, see {@link GradientPaths#reached}
   * @param outputs those with gradients
   * @param attentionPasses as the engine has it
   */
  public static Products of(
      Graph graph, Set<Value> reached, List<String> outputs, boolean attentionPasses) {
    var products = new Products(graph, reached, Set.of(), attentionPasses);
    var sums = new HashSet<Value>();
    var readers = new HashMap<Value, Integer>();
    outputs.forEach(name -> sums.add(graph.outputs().get(name)));
    for (Value node : graph.nodes()) {
      if (!reached.contains(node)) {
        continue;
      }
      if (node.isSource() || products.passes(node)) {
        sums.add(node);
      }
      for (Value input : new HashSet<>(node.inputs())) {
        if (reached.contains(input)
            && (products.passes(node) || readers.merge(input, 1, Integer::sum) > 1)) {
          sums.add(input);
        }
      }
    }
    return new Products(graph, reached, sums, attentionPasses);
  }

  /** Whether gradients pass a node by a formula that needs none of its results made again. */
  public boolean passes(Value node) {
    return reached.contains(node) && isCostly(node);
  }

  /** Whether the gradients of a value are summed up before they are passed on. */
  public boolean sums(Value value) {
    return sums.contains(value);
  }

  /** A product with a frozen weight, or attention. */
  private boolean isCostly(Value node) {
    if (node.op() instanceof Op.Attention) {
      return attentionPasses && node.inputs().size() == 3;
    }
    return node.op() instanceof Op.Linear
        && node.inputs().stream().skip(1).noneMatch(reached::contains);
  }

  /** The products that the backward pass reads, in order, those without gradients as well. */
  public Set<Value> worthKeeping() {
    var worth = new LinkedHashSet<Value>(graph.nodes());
    worth.removeIf(node -> !isCostly(node));
    Set<Value> read = needed(worth);
    worth.removeIf(
        node -> !read.contains(node) && !(node.op() instanceof Op.Attention && passes(node)));
    return worth;
  }

  /**
   * The values that derivatives read, and what these are made of.
   *
   * @param kept products that need not be made again
   */
  public Set<Value> needed(Set<Value> kept) {
    var needed = new HashSet<Value>();
    for (Value node : graph.nodes()) {
      if (reached.contains(node)) {
        if (!passes(node)) {
          need(Derivatives.reads(node, reached), kept, needed);
          node.inputs().stream()
              .filter(input -> !reached.contains(input))
              .forEach(input -> need(List.of(input), kept, needed));
        } else if (node.op() instanceof Op.Attention) {
          need(node.inputs(), kept, needed);
        }
      }
    }
    return needed;
  }

  private static void need(Collection<Value> values, Set<Value> kept, Set<Value> needed) {
    for (Value value : values) {
      if (needed.add(value) && !kept.contains(value)) {
        need(value.inputs(), kept, needed);
      }
    }
  }
}
