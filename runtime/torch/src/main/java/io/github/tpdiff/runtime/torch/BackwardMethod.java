package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.graph.GradientPaths;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Products;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.StringJoiner;

/**
 * Writes the method that goes back through a segment.
 *
 * <p>Its list is that of the segment's own method, what was kept of its products, and the gradients
 * of its outputs; it returns those of its inputs and trained weights. Gradients pass products, sums
 * and factors by their formulas; what lies between is made again in small trees, each when its
 * gradient has come, recorded and gone through by autograd. What no derivative reads is not made at
 * all, so the last product of a segment usually is not.
 */
final class BackwardMethod {
  private final Products products;
  private final GradientPaths.SegmentGradients gradients;
  private final Set<Value> kept;
  private final MethodWriter at;
  private final Set<Value> reached;

  /** What was kept of a product, by variable. */
  private final Map<Value, List<String>> keepsakes = new HashMap<>();

  /** Recorded values of the trees' roots, by variable. */
  private final Map<Value, String> roots = new HashMap<>();

  private final GradientSums sums;
  private final GradientFormulas formulas;

  private BackwardMethod(
      Products products,
      GradientPaths.SegmentGradients gradients,
      Set<Value> kept,
      MethodWriter at) {
    this.products = products;
    this.gradients = gradients;
    this.kept = kept;
    this.at = at;
    this.reached = products.reached();
    this.sums = new GradientSums(at);
    this.formulas = new GradientFormulas(reached, at, sums, new Read());
  }

  /**
   * The method's body, indented.
   *
   * @param products of the segment
   * @param gradients that come in and go out
   * @param kept those products of which something was kept
   * @param at a writer on the list of the segment's own method
   */
  static String body(
      Products products,
      GradientPaths.SegmentGradients gradients,
      Set<Value> kept,
      MethodWriter at) {
    return new BackwardMethod(products, gradients, kept, at).write();
  }

  private String write() {
    at.bindSymbols();
    int next = at.listed();
    for (Value product : products.graph().nodes()) {
      if (kept.contains(product)) {
        var variables = new ArrayList<String>();
        for (int i = 0; i < Keepsake.count(product); i++) {
          variables.add(MethodWriter.element(next++));
        }
        keepsakes.put(product, variables);
      }
    }
    for (String output : gradients.outputs()) {
      sums.add(value(products.graph().outputs(), output), MethodWriter.element(next++));
    }
    List<Value> nodes = products.graph().nodes();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Value node = nodes.get(i);
      if (sums.has(node) && !node.isSource()) {
        passBack(node);
      }
    }
    var results = new StringJoiner(", ", "[", "]");
    gradients.inputs().forEach(name -> results.add(result(new Op.Input(name))));
    gradients.weights().forEach(name -> results.add(result(new Op.Weight(name))));
    at.line("return " + results);
    return at.text();
  }

  private static Value value(Map<String, Value> named, String name) {
    return Objects.requireNonNull(named.get(name));
  }

  /** Of a source in all the places where the graph has it, each a value of its own. */
  private String result(Op source) {
    List<Value> places =
        products.graph().nodes().stream()
            .filter(node -> node.op().equals(source) && sums.has(node))
            .toList();
    places.stream().skip(1).forEach(place -> sums.add(places.get(0), sums.of(place)));
    return sums.of(places.get(0));
  }

  private void passBack(Value node) {
    if (products.passes(node)) {
      formulas.pass(node);
    } else {
      throughTree(node);
    }
  }

  private void throughTree(Value root) {
    make(root);
    List<Value> leaves = leaves(root);
    var sources = new StringJoiner(", ", "[", "]");
    leaves.forEach(leaf -> sources.add(at.stored(leaf)));
    String found = at.fresh("d");
    at.line(
        "%s = torch.grad([%s], %s, annotate(List[Optional[Tensor]], [%s]))"
            .formatted(found, Objects.requireNonNull(roots.get(root)), sources, sums.of(root)));
    for (int i = 0; i < leaves.size(); i++) {
      String gradient = sums.own("torch._unwrap_optional(%s[%s])".formatted(found, i));
      if (!isFresh(leaves.get(i), root)) {
        sums.share(gradient);
      }
      sums.add(leaves.get(i), gradient);
    }
  }

  /** Whether autograd makes a leaf's gradient instead of handing on that of another value. */
  private boolean isFresh(Value leaf, Value root) {
    var readers = new ArrayList<Value>();
    readers(leaf, root, readers);
    return readers.size() == 1
        && (readers.get(0).op() instanceof Op.Linear
            || readers.get(0).op() instanceof Op.LayerNorm
            || readers.get(0).op() instanceof Op.Unary);
  }

  private void readers(Value leaf, Value node, List<Value> found) {
    for (Value input : node.inputs()) {
      if (input == leaf) {
        found.add(node);
      } else if (reached.contains(input) && !products.sums(input)) {
        readers(leaf, input, found);
      }
    }
  }

  /** Where a tree ends: values whose gradients are summed up before they are passed on. */
  private List<Value> leaves(Value root) {
    var leaves = new LinkedHashSet<Value>();
    collect(root.inputs(), leaves);
    return List.copyOf(leaves);
  }

  private void collect(Collection<Value> values, Set<Value> leaves) {
    for (Value value : values) {
      if (reached.contains(value)) {
        if (products.sums(value)) {
          leaves.add(value);
        } else {
          collect(value.inputs(), leaves);
        }
      }
    }
  }

  /** What formulas read. */
  private final class Read implements GradientFormulas.Read {
    @Override
    public void make(Value value) {
      BackwardMethod.this.make(value);
    }

    @Override
    public List<String> keepsakes(Value product) {
      return Objects.requireNonNull(keepsakes.get(product));
    }
  }

  /** Makes a value and all that it is made of, each once. */
  private void make(Value value) {
    if (at.isNamed(value) || isGiven(value)) {
      return;
    }
    if (value.isSource()) {
      leaf(value, at.stored(value));
    } else if (kept.contains(value)) {
      given(value, keptValue(value));
    } else if (products.passes(value) && !products.isNeeded(value)) {
      placeholder(value);
    } else {
      value.inputs().forEach(this::make);
      at.assign(value);
      if (products.sums(value)) {
        roots.put(value, at.stored(value));
        leaf(value, at.stored(value));
      }
    }
  }

  private boolean isGiven(Value value) {
    return value.isSource() && !reached.contains(value);
  }

  /** What no derivative reads has to have a shape alone. */
  private void placeholder(Value value) {
    leaf(
        value,
        "torch.expand(torch.zeros([], dtype=6, layout=None, device=ops.prim.device(v[0]), pin_memory=False), %s)"
            .formatted(at.shape(value.shape())));
  }

  private String keptValue(Value value) {
    String own = Objects.requireNonNull(keepsakes.get(value)).get(0);
    return value.op() instanceof Op.Attention ? AttentionRules.joined(own, value, at) : own;
  }

  /** A value that is there, with a gradient of its own if it has one. */
  private void given(Value value, String expression) {
    if (reached.contains(value)) {
      leaf(value, expression);
    } else {
      at.assign(value, expression);
    }
  }

  private void leaf(Value value, String expression) {
    String name = at.fresh("x");
    at.line("%s = torch.requires_grad_(torch.detach(%s), True)".formatted(name, expression));
    at.name(value, name);
  }
}
