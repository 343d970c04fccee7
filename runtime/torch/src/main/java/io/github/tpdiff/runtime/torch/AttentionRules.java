package io.github.tpdiff.runtime.torch;

import static io.github.tpdiff.runtime.torch.MethodWriter.number;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;

/**
 * The TorchScript expressions of attention and of the rotations before it, and of parts of them.
 */
final class AttentionRules {
  private AttentionRules() {}

  static String attention(Op.Attention op, Value node, MethodWriter at) {
    // As it is: expanded, a bias of keys would be copied out in full by kernels that pad it.
    String bias = node.inputs().size() == 4 ? at.factor(node.inputs().get(3)) : "None";
    String result =
        "torch.scaled_dot_product_attention(%s, %s, 0., False, scale=%s)"
            .formatted(queriesKeysValues(op, node, at), bias, number(op.scale()));
    return joined(result, node, at);
  }

  /** The operands of attention, [B, h, N, d] each. */
  static String queriesKeysValues(Op.Attention op, Value node, MethodWriter at) {
    Value q = node.inputs().get(0);
    Value k = node.inputs().get(1);
    Value v = node.inputs().get(2);
    // Kernels give zeros for queries or keys that are NaN, which would hide what went wrong: they
    // make the values NaN, and other numbers add nothing to them.
    String values =
        "torch.add(%s, torch.add(torch.sum(torch.detach(%s), [1, 2], True), torch.sum(torch.detach(%s), [1, 2], True)), alpha=0)"
            .formatted(OpRules.in(node, at, 2), OpRules.in(node, at, 0), OpRules.in(node, at, 1));
    return String.join(
        ", ",
        heads(q, at.factor(q), at, op.heads()),
        heads(k, at.factor(k), at, op.heads()),
        heads(v, at.factor(values), at, op.heads()));
  }

  /** [B, h, N, d] as the node's value. */
  static String joined(String heads, Value node, MethodWriter at) {
    return at.product(
        "torch.reshape(torch.transpose(%s, 1, 2), %s)".formatted(heads, at.shape(node.shape())));
  }

  /** [B, N, h·d] as [B, h, N, d]. */
  static String heads(Value value, String held, MethodWriter at, int heads) {
    Shape split = Shape.of(value.dim(0), value.dim(1), heads, value.dim(2).value() / heads);
    return "torch.transpose(torch.reshape(%s, %s), 1, 2)".formatted(held, at.shape(split));
  }

  static String rotary(Op.Rotary op, Value node, MethodWriter at) {
    return rotated(op, node, OpRules.in(node, at, 0), angle(node, at), at);
  }

  /** The gradient of what is rotated: the result's, rotated back. */
  static String rotatedBack(Op.Rotary op, Value node, String gradient, MethodWriter at) {
    return rotated(op, node, gradient, "torch.conj(" + angle(node, at) + ")", at);
  }

  /** A rotation of pairs is one multiplication of complex numbers, in one pass over memory. */
  private static String rotated(Op.Rotary op, Value node, String x, String angle, MethodWriter at) {
    Shape pairs =
        Shape.of(node.dim(0), node.dim(1), op.heads(), node.dim(2).value() / op.heads() / 2, 2);
    return "torch.reshape(torch.view_as_real(torch.mul(torch.view_as_complex(torch.reshape(torch.contiguous(%s), %s)), %s)), %s)"
        .formatted(x, at.shape(pairs), angle, at.shape(node.shape()));
  }

  private static String angle(Value node, MethodWriter at) {
    Value cos = node.inputs().get(1);
    return "torch.reshape(torch.complex(%s, %s), %s)"
        .formatted(
            OpRules.in(node, at, 1),
            OpRules.in(node, at, 2),
            at.shape(Shape.of(1, cos.dim(0), 1, cos.dim(1))));
  }
}
