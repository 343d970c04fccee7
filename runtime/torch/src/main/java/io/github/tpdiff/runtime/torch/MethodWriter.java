package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.function.Predicate;

/**
 * Writes a segment as the body of a TorchScript method from {@code v}, the list of its inputs,
 * weights and constants, to the list of its outputs.
 *
 * <p>Everything is named by position, so segments that differ only in names give the same text. The
 * interpreter frees a value after its last use; a weight is cast to fp32 where it is used, so that
 * only one cast copy exists at a time.
 */
final class MethodWriter {
  private final Graph graph;
  private final Predicate<String> bf16;
  private final Arithmetic arithmetic;
  private final List<String> inputs;
  private final List<String> weights;
  private final List<Value> constants = new ArrayList<>();
  private final Map<Value, String> names = new HashMap<>();
  private final DimText dims = new DimText(new LinkedHashMap<>());
  private final StringBuilder text = new StringBuilder();

  /**
   * @param bf16 whether a weight arrives as the bits of BF16 numbers under the name of F16
   */
  MethodWriter(Graph graph, Predicate<String> bf16, Arithmetic arithmetic) {
    this.graph = graph;
    this.bf16 = bf16;
    this.arithmetic = arithmetic;
    this.inputs = List.copyOf(graph.inputs().keySet());
    this.weights = List.copyOf(graph.weights().keySet());
  }

  /** The method's body, indented. */
  String write() {
    bindSymbols();
    for (Value node : graph.nodes()) {
      if (!isSource(node)) {
        String name = "t" + names.size();
        line(name + " = " + OpRules.write(node, this));
        names.put(node, name);
      }
    }
    var outputs = new StringJoiner(", ", "[", "]");
    graph.outputs().values().forEach(v -> outputs.add("torch.contiguous(" + operand(v) + ")"));
    line("return " + outputs);
    return text.toString();
  }

  /** Constants that follow inputs and weights in the method's list; known once written. */
  List<Value> constants() {
    return List.copyOf(constants);
  }

  private static boolean isSource(Value node) {
    return node.op() instanceof Op.Input
        || node.op() instanceof Op.Weight
        || node.op() instanceof Op.FloatConstant
        || node.op() instanceof Op.LongConstant;
  }

  private void line(String statement) {
    text.append("    ").append(statement).append('\n');
  }

  private void bindSymbols() {
    graph
        .inputs()
        .forEach(
            (input, value) -> {
              for (int axis = 0; axis < value.shape().rank(); axis++) {
                Optional<String> symbol = value.dim(axis).asSymbol();
                if (symbol.isPresent() && !dims.variables().containsKey(symbol.get())) {
                  String variable = "n" + dims.variables().size();
                  line(variable + " = torch.size(v[" + inputs.indexOf(input) + "], " + axis + ")");
                  dims.variables().put(symbol.get(), variable);
                }
              }
            });
  }

  /** The expression of a value that a rule computes with: weights in fp32. */
  String operand(Value value) {
    return widened(value, stored(value));
  }

  /** The expression of a value in the numbers that products are computed in. */
  String factor(Value value) {
    if (arithmetic == Arithmetic.FP32) {
      return operand(value);
    }
    String held = stored(value);
    return value.op() instanceof Op.Weight weight && bf16.test(weight.name())
        ? "torch.view_copy(%s, dtype=15)".formatted(held)
        : "torch.to(%s, 15)".formatted(held);
  }

  /** The fp32 expression of a product of {@link #factor factors}. */
  String product(String expression) {
    return arithmetic == Arithmetic.FP32 ? expression : "torch.to(%s, 6)".formatted(expression);
  }

  /** An fp32 expression in the numbers that products are computed in. */
  String factor(String expression) {
    return arithmetic == Arithmetic.FP32 ? expression : "torch.to(%s, 15)".formatted(expression);
  }

  /** The fp32 expression of {@code part}, some elements of {@code value} as it is held. */
  String widened(Value value, String part) {
    if (!(value.op() instanceof Op.Weight weight)) {
      return part;
    }
    return bf16.test(weight.name())
        ? "torch.to(torch.view_copy(%s, dtype=15), 6)".formatted(part)
        : "torch.to(%s, 6)".formatted(part);
  }

  /** The expression of a value as it is held: weights in the checkpoint's element type. */
  String stored(Value value) {
    if (value.op() instanceof Op.Input input) {
      return element(inputs.indexOf(input.name()));
    }
    if (value.op() instanceof Op.Weight weight) {
      return element(inputs.size() + weights.indexOf(weight.name()));
    }
    return isSource(value) ? constant(value) : Objects.requireNonNull(names.get(value));
  }

  private String constant(Value value) {
    int index = 0;
    while (index < constants.size() && constants.get(index) != value) {
      index++;
    }
    if (index == constants.size()) {
      constants.add(value);
    }
    return element(inputs.size() + weights.size() + index);
  }

  private static String element(int index) {
    return "v[" + index + "]";
  }

  /** A number that can stand in the code for this value, if it is one. */
  static Optional<String> scalar(Value value) {
    if (value.op() instanceof Op.FloatConstant constant
        && value.shape().rank() == 0
        && Float.isFinite(constant.values().get(0))) {
      return Optional.of(number(constant.values().get(0)));
    }
    return Optional.empty();
  }

  /** A finite number as a Python literal. */
  static String number(double value) {
    return Double.toString(value).replace('E', 'e');
  }

  String dim(Dim dim) {
    return dims.of(dim);
  }

  String shape(Shape shape) {
    return dims.of(shape);
  }

  /** The code of an element type. */
  static int code(ElementType type) {
    return switch (type) {
      case F32 -> 6;
      case I64 -> 4;
    };
  }
}
