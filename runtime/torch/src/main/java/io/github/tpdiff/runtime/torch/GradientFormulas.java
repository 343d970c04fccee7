package io.github.tpdiff.runtime.torch;

import static io.github.tpdiff.runtime.torch.MethodWriter.number;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.StringJoiner;

/** Writes how gradients pass an operation by its formula, without a record of how it was made. */
final class GradientFormulas {
  /** What formulas read. */
  interface Read {
    /** Makes a value and what it is made of, if it is not there. */
    void make(Value value);

    /** What was kept of a product, by variable. */
    List<String> keepsakes(Value product);
  }

  private final Set<Value> reached;
  private final MethodWriter at;
  private final GradientSums sums;
  private final Read read;

  /**
   * @param reached the values that have gradients
   */
  GradientFormulas(Set<Value> reached, MethodWriter at, GradientSums sums, Read read) {
    this.reached = reached;
    this.at = at;
    this.sums = sums;
    this.read = read;
  }

  /** Adds to the gradients of a node's operands what comes of its own. */
  void pass(Value node) {
    Op op = node.op();
    if (op instanceof Op.Attention attention) {
      throughAttention(attention, node);
    } else if (op instanceof Op.Binary binary) {
      throughArithmetic(binary, node);
    } else if (op instanceof Op.Unary unary) {
      throughGelu(unary, node);
    } else if (op instanceof Op.RmsNorm norm) {
      throughRmsNorm(norm, node);
    } else if (op instanceof Op.Rotary rotary) {
      node.inputs().stream().skip(1).forEach(read::make);
      sums.add(
          node.inputs().get(0),
          sums.own(AttentionRules.rotatedBack(rotary, node, sums.of(node), at)));
    } else {
      throughLinear(node);
    }
  }

  private void throughGelu(Op.Unary op, Value node) {
    Value x = node.inputs().get(0);
    read.make(x);
    String form = op.kind() == Op.UnaryKind.GELU_TANH ? "tanh" : "none";
    sums.add(
        x,
        sums.own(
            "torch.gelu_backward(%s, %s, approximate=\"%s\")"
                .formatted(sums.of(node), alone(x), form)));
  }

  /**
   * With y = r x w and r = (Σx²/d + ε)^(-1/2), x's gradient is r (g w) − r³/d Σ(g w x) x, sums over
   * the last axis.
   */
  private void throughRmsNorm(Op.RmsNorm op, Value node) {
    Value x = node.inputs().get(0);
    Value weight = node.inputs().get(1);
    read.make(x);
    read.make(weight);
    String given = at.fresh("x");
    at.line(given + " = " + alone(x));
    String r = at.fresh("r");
    at.line(r + " = " + OpRules.inverseRootMeanSquare(op, given, node, at));
    String scaled = sums.times(sums.of(node), at.operand(weight));
    String alike = at.fresh("r");
    at.line(
        "%s = torch.mul(torch.sum(torch.mul(%s, %s), [-1], True), torch.pow(%s, 3))"
            .formatted(alike, scaled, given, r));
    at.line(
        "%1$s = torch.addcmul_(torch.mul_(%1$s, %2$s), %3$s, torch.div(%4$s, -%5$s))"
            .formatted(scaled, r, given, alike, at.dim(node.dim(-1))));
    sums.add(x, scaled);
  }

  /** Of a sum each term has the gradient, of a product one operand has it times the other. */
  private void throughArithmetic(Op.Binary op, Value node) {
    String gradient = sums.of(node);
    List<Value> operands = node.inputs().stream().filter(reached::contains).toList();
    if (op.kind() == Op.BinaryKind.MUL) {
      Value factor = node.inputs().get(node.inputs().get(0) == operands.get(0) ? 1 : 0);
      read.make(factor);
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
      read.make(x);
      sums.addProduct(weight, "torch.t(" + ofResult + ")", at.rows(factorAlone(x), x));
    }
    if (reached.contains(x)) {
      read.make(weight);
      sums.addProduct(x, ofResult, factorAlone(weight));
    }
  }

  /** What a product is computed from, without a record. */
  private String factorAlone(Value value) {
    return reached.contains(value) ? at.factor(alone(value)) : at.factor(value);
  }

  /** A value without a record. */
  private String alone(Value value) {
    return "torch.detach(" + at.operand(value) + ")";
  }

  private void throughAttention(Op.Attention op, Value node) {
    read.make(node);
    List<String> own = read.keepsakes(node);
    var arguments = new StringJoiner(", ");
    arguments.add(heads(op, node, at.factor(sums.of(node))));
    var names = new ArrayList<String>();
    for (Value operand : node.inputs()) {
      read.make(operand);
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
        sums.add(operand, sums.own(AttentionRules.joined(names.get(i), operand, at)));
      }
    }
  }

  private String heads(Op.Attention op, Value value, String expression) {
    return AttentionRules.heads(value, expression, at, op.heads());
  }
}
