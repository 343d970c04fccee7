package io.github.tpdiff.runtime.torch;

import static io.github.tpdiff.runtime.torch.MethodWriter.number;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/** The TorchScript expression of each operation. */
final class OpRules {
  private interface Rule<O extends Op> {
    String write(O op, Value node, MethodWriter at);
  }

  private static final Map<Class<? extends Op>, Rule<?>> RULES = new LinkedHashMap<>();

  static {
    // The writer resolves sources by position and asks for no statement.
    rule(Op.Input.class, (op, node, at) -> at.stored(node));
    rule(Op.Weight.class, (op, node, at) -> at.stored(node));
    rule(Op.FloatConstant.class, (op, node, at) -> at.stored(node));
    rule(Op.LongConstant.class, (op, node, at) -> at.stored(node));

    rule(
        Op.Linear.class,
        (op, node, at) -> at.product("torch.linear(%s)".formatted(factors(node, at, 3))));
    rule(Op.Conv.class, OpRules::conv);
    rule(Op.Attention.class, AttentionRules::attention);
    rule(Op.Rotary.class, AttentionRules::rotary);
    rule(
        Op.LayerNorm.class,
        (op, node, at) ->
            "torch.layer_norm(%s, [%s], %s, %s)"
                .formatted(
                    in(node, at, 0),
                    at.dim(node.dim(-1)),
                    node.inputs().size() == 3
                        ? in(node, at, 1) + ", " + in(node, at, 2)
                        : "None, None",
                    number(op.eps())));
    rule(
        Op.RmsNorm.class,
        (op, node, at) ->
            "torch.mul(torch.mul(%s, %s), %s)"
                .formatted(
                    in(node, at, 0),
                    inverseRootMeanSquare(op, in(node, at, 0), node, at),
                    in(node, at, 1)));
    rule(
        Op.GroupNorm.class,
        (op, node, at) ->
            "torch.group_norm(%s, %s, %s, %s, %s)"
                .formatted(
                    in(node, at, 0),
                    op.groups(),
                    in(node, at, 1),
                    in(node, at, 2),
                    number(op.eps())));
    rule(
        Op.L2Normalize.class,
        (op, node, at) ->
            "torch.div(%1$s, torch.clamp_min(torch.linalg_vector_norm(%1$s, 2, [%2$s], True), %3$s))"
                .formatted(in(node, at, 0), op.axis(), number(1e-12)));
    rule(
        Op.L2Norm.class,
        (op, node, at) ->
            "torch.linalg_vector_norm(%s, 2, [%s], True)".formatted(in(node, at, 0), op.axis()));
    rule(Op.Detach.class, (op, node, at) -> "torch.detach(%s)".formatted(in(node, at, 0)));

    rule(
        Op.Dropout.class,
        (op, node, at) ->
            "(self).dropped(%s, %s, %s, %s, %s)"
                .formatted(
                    in(node, at, 0),
                    in(node, at, 1),
                    in(node, at, 2),
                    op.least(),
                    number(op.scale())));
    rule(Op.Binary.class, OpRules::binary);
    rule(Op.Unary.class, OpRules::unary);
    rule(
        Op.Clamp.class,
        (op, node, at) ->
            "torch.clamp(%s, %s, %s)".formatted(in(node, at, 0), limit(op.min()), limit(op.max())));
    rule(
        Op.Cast.class,
        (op, node, at) ->
            "torch.to(%s, %s)".formatted(in(node, at, 0), MethodWriter.code(op.type())));

    rule(
        Op.Reshape.class,
        (op, node, at) ->
            "torch.reshape(%s, %s)".formatted(in(node, at, 0), at.shape(node.shape())));
    rule(
        Op.Transpose.class,
        (op, node, at) -> "torch.permute(%s, %s)".formatted(in(node, at, 0), op.permutation()));
    rule(
        Op.Concat.class,
        (op, node, at) ->
            "torch.cat([%s], %s)"
                .formatted(
                    node.inputs().stream().map(at::operand).collect(Collectors.joining(", ")),
                    op.axis()));
    rule(
        Op.Slice.class,
        (op, node, at) ->
            "torch.slice(%s, %s, %s, %s, 1)"
                .formatted(in(node, at, 0), op.axis(), at.dim(op.from()), at.dim(op.to())));
    rule(Op.Pad.class, (op, node, at) -> padded(in(node, at, 0), op.before(), op.after()));
    rule(Op.Repeat.class, OpRules::repeat);
    rule(
        Op.Expand.class,
        (op, node, at) ->
            "torch.expand(%s, %s)".formatted(in(node, at, 0), at.shape(node.shape())));
    rule(Op.Gather.class, OpRules::gather);
    rule(
        Op.ArgMax.class,
        (op, node, at) -> "torch.argmax(%s, -1, False)".formatted(in(node, at, 0)));
    rule(
        Op.Arange.class,
        (op, node, at) ->
            "torch.arange(%s, dtype=4, layout=None, device=ops.prim.device(v[0]), pin_memory=False)"
                .formatted(at.dim(op.count())));
  }

  private OpRules() {}

  private static <O extends Op> void rule(Class<O> type, Rule<O> rule) {
    RULES.put(type, rule);
  }

  /** The operations that have a rule. */
  static List<Class<? extends Op>> covered() {
    return List.copyOf(RULES.keySet());
  }

  /**
   * The expression of a node.
   *
   * @param overwritten an operand whose memory the result may take
   */
  @SuppressWarnings("unchecked") // rule() pairs each class with a rule for it
  static String write(Value node, MethodWriter at, Optional<Value> overwritten) {
    Op op = node.op();
    if (op instanceof Op.Binary binary && overwritten.isPresent()) {
      return inPlace(binary, node, overwritten.get(), at);
    }
    return ((Rule<Op>) Objects.requireNonNull(RULES.get(op.getClass()))).write(op, node, at);
  }

  static String in(Value node, MethodWriter at, int index) {
    return at.operand(node.inputs().get(index));
  }

  /** The operands of a product, those that are absent as None. */
  private static String factors(Value node, MethodWriter at, int count) {
    var list = new ArrayList<String>();
    node.inputs().forEach(value -> list.add(at.factor(value)));
    while (list.size() < count) {
      list.add("None");
    }
    return String.join(", ", list);
  }

  private static String limit(double value) {
    return Double.isFinite(value) ? number(value) : "None";
  }

  private static String conv(Op.Conv op, Value node, MethodWriter at) {
    int spatial = op.strides().size();
    var inner = new ArrayList<Integer>();
    var before = new ArrayList<>(List.of(0, 0));
    var after = new ArrayList<>(List.of(0, 0));
    for (int i = 0; i < spatial; i++) {
      int both = Math.min(op.padBefore().get(i), op.padAfter().get(i));
      inner.add(both);
      before.add(op.padBefore().get(i) - both);
      after.add(op.padAfter().get(i) - both);
    }
    String x = at.factor(node.inputs().get(0));
    boolean symmetric = before.equals(after);
    return at.product(
        "torch.conv%sd(%s, %s, %s, %s, %s, %s, 1)"
            .formatted(
                spatial,
                symmetric ? x : padded(x, before, after),
                at.factor(node.inputs().get(1)),
                node.inputs().size() == 3 ? at.factor(node.inputs().get(2)) : "None",
                op.strides(),
                inner,
                Collections.nCopies(spatial, 1)));
  }

  private static String padded(String x, List<Integer> before, List<Integer> after) {
    var amounts = new ArrayList<Integer>();
    for (int axis = before.size() - 1; axis >= 0; axis--) {
      amounts.add(before.get(axis));
      amounts.add(after.get(axis));
    }
    return "torch.constant_pad_nd(%s, %s, 0)".formatted(x, amounts);
  }

  /** (Σx²/d + ε)^(-1/2) over the last axis, from the norm, which is one pass over memory. */
  static String inverseRootMeanSquare(Op.RmsNorm op, String x, Value node, MethodWriter at) {
    return "torch.rsqrt(torch.add(torch.div(torch.pow(torch.linalg_vector_norm(%s, 2, [-1], True), 2), %s), %s))"
        .formatted(x, at.dim(node.dim(-1)), number(op.eps()));
  }

  private static String binary(Op.Binary op, Value node, MethodWriter at) {
    Value left = node.inputs().get(0);
    Value right = node.inputs().get(1);
    boolean commutes = op.kind() == Op.BinaryKind.ADD || op.kind() == Op.BinaryKind.MUL;
    if (commutes && MethodWriter.scalar(left).isPresent()) {
      left = node.inputs().get(1);
      right = node.inputs().get(0);
    }
    return call(name(op), left, right, at);
  }

  private static String inPlace(Op.Binary op, Value node, Value overwritten, MethodWriter at) {
    Value other = node.inputs().get(node.inputs().get(0) == overwritten ? 1 : 0);
    return call(name(op) + "_", overwritten, other, at);
  }

  /**
   * The expression of a sum whose one term, a product, is computed onto the other's memory, which
   * saves writing and reading it. Products are in fp32.
   */
  static String sum(Value node, Value product, MethodWriter at) {
    Value other = node.inputs().get(node.inputs().get(0) == product ? 1 : 0);
    Value x = product.inputs().get(0);
    return "torch.view(torch.addmm_(%s, %s, torch.t(%s)), %s)"
        .formatted(
            at.rows(at.operand(other), other),
            at.rows(at.operand(x), x),
            at.operand(product.inputs().get(1)),
            at.shape(node.shape()));
  }

  private static String name(Op.Binary op) {
    return switch (op.kind()) {
      case ADD -> "add";
      case SUB -> "sub";
      case MUL -> "mul";
      case DIV -> "div";
    };
  }

  private static String call(String name, Value left, Value right, MethodWriter at) {
    String second = MethodWriter.scalar(right).orElseGet(() -> at.operand(right));
    return "torch.%s(%s, %s)".formatted(name, at.operand(left), second);
  }

  private static String unary(Op.Unary op, Value node, MethodWriter at) {
    String x = in(node, at, 0);
    return switch (op.kind()) {
      case GELU_TANH -> "torch.gelu(%s, approximate=\"tanh\")".formatted(x);
      case GELU_ERF -> "torch.gelu(%s)".formatted(x);
      case QUICK_GELU -> "torch.mul(%1$s, torch.sigmoid(torch.mul(%1$s, 1.702)))".formatted(x);
      case SILU -> "torch.silu(%s)".formatted(x);
      case SIGMOID -> "torch.sigmoid(%s)".formatted(x);
      case TANH -> "torch.tanh(%s)".formatted(x);
      case EXP -> "torch.exp(%s)".formatted(x);
      case SQRT -> "torch.sqrt(%s)".formatted(x);
      case SIN -> "torch.sin(%s)".formatted(x);
      case COS -> "torch.cos(%s)".formatted(x);
    };
  }

  /** Nearest upsampling along all axes in one copy, by expanding an axis of 1 behind each. */
  private static String repeat(Op.Repeat op, Value node, MethodWriter at) {
    var unit = new ArrayList<Dim>();
    var grown = new ArrayList<Dim>();
    Value x = node.inputs().get(0);
    for (int axis = 0; axis < x.shape().rank(); axis++) {
      unit.add(x.dim(axis));
      grown.add(x.dim(axis));
      if (op.factors().get(axis) != 1) {
        unit.add(Dim.of(1));
        grown.add(Dim.of(op.factors().get(axis)));
      }
    }
    return "torch.reshape(torch.expand(torch.reshape(%s, %s), %s), %s)"
        .formatted(
            at.operand(x),
            at.shape(new Shape(unit)),
            at.shape(new Shape(grown)),
            at.shape(node.shape()));
  }

  /** Rows are taken before they are cast: a table may be gigabytes, its rows are not. */
  private static String gather(Op.Gather op, Value node, MethodWriter at) {
    Value table = node.inputs().get(0);
    String indices = "torch.reshape(%s, [-1])".formatted(in(node, at, 1));
    return "torch.reshape(%s, %s)".formatted(at.taken(table, indices), at.shape(node.shape()));
  }
}
