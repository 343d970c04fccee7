package io.github.tpdiff.runtime.torch;

import static io.github.tpdiff.runtime.torch.MethodWriter.number;

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
    gradients.inputs().forEach(name -> results.add(result(products.graph().inputs(), name)));
    gradients.weights().forEach(name -> results.add(result(products.graph().weights(), name)));
    at.line("return " + results);
    return at.text();
  }

  private static Value value(Map<String, Value> named, String name) {
    return Objects.requireNonNull(named.get(name));
  }

  private String result(Map<String, Value> named, String name) {
    return sums.of(value(named, name));
  }

  private void passBack(Value node) {
    if (!products.passes(node)) {
      throughTree(node);
    } else if (node.op() instanceof Op.Attention attention) {
      throughAttention(attention, node);
    } else if (node.op() instanceof Op.Binary binary) {
      throughElements(binary, node);
    } else {
      throughLinear(node);
    }
  }

  /** Of a sum each term has the gradient, of a product one operand has it times the other. */
  private void throughElements(Op.Binary op, Value node) {
    String gradient = sums.of(node);
    List<Value> operands = node.inputs().stream().filter(reached::contains).toList();
    if (op.kind() == Op.BinaryKind.MUL) {
      Value factor = node.inputs().get(node.inputs().get(0) == operands.get(0) ? 1 : 0);
      make(factor);
      String by = MethodWriter.scalar(factor).orElseGet(() -> at.operand(factor));
      sums.add(operands.get(0), sums.times(gradient, by));
      return;
    }
    if (operands.size() > 1) {
      sums.share(gradient);
    }
    for (int i = 0; i < node.inputs().size(); i++) {
      if (reached.contains(node.inputs().get(i))) {
        boolean isLess = op.kind() == Op.BinaryKind.SUB && i == 1;
        sums.add(
            node.inputs().get(i),
            isLess ? sums.own("torch.neg(%s)".formatted(gradient)) : gradient);
      }
    }
  }

  /** x's gradient is the result's times W, W's is the transposed result's times x. */
  private void throughLinear(Value node) {
    Value x = node.inputs().get(0);
    Value weight = node.inputs().get(1);
    node.inputs().stream()
        .skip(2)
        .filter(reached::contains)
        .forEach(
            bias ->
                sums.add(
                    bias, sums.own("torch.sum(%s, [0])".formatted(at.rows(sums.of(node), node)))));
    String ofResult = at.rows(at.factor(sums.of(node)), node);
    if (reached.contains(weight)) {
      make(x);
      sums.addProduct(weight, "torch.t(" + ofResult + ")", at.rows(factorAlone(x), x));
    }
    if (reached.contains(x)) {
      make(weight);
      sums.addProduct(x, ofResult, factorAlone(weight));
    }
  }

  /** What a product is computed from, without a record. */
  private String factorAlone(Value value) {
    return reached.contains(value)
        ? at.factor("torch.detach(" + at.operand(value) + ")")
        : at.factor(value);
  }

  private void throughAttention(Op.Attention op, Value node) {
    make(node);
    List<String> own = Objects.requireNonNull(keepsakes.get(node));
    var arguments = new StringJoiner(", ");
    arguments.add(heads(op, node, at.factor(sums.of(node))));
    var names = new ArrayList<String>();
    for (Value operand : node.inputs()) {
      make(operand);
      arguments.add(heads(op, operand, factorAlone(operand)));
      names.add(at.fresh("g"));
    }
    at.line(
        "%s, = torch._scaled_dot_product_flash_attention_for_cpu_backward(%s, %s, %s, 0., False, attn_mask=None, scale=%s)"
            .formatted(
                String.join(", ", names), arguments, own.get(0), own.get(1), number(op.scale())));
    for (int i = 0; i < names.size(); i++) {
      Value operand = node.inputs().get(i);
      if (reached.contains(operand)) {
        sums.add(operand, sums.own(OpRules.joined(names.get(i), operand, at)));
      }
    }
  }

  private String heads(Op.Attention op, Value value, String expression) {
    return OpRules.heads(value, expression, at, op.heads());
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
    return value.op() instanceof Op.Attention ? OpRules.joined(own, value, at) : own;
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
