package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Function;

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
  private final Function<String, WeightForm> forms;
  private final Arithmetic arithmetic;
  private final List<String> inputs;
  private final List<String> weights;
  private final List<String> scaled;
  private final List<Value> constants = new ArrayList<>();
  private final Map<Value, String> names = new HashMap<>();
  private final DimText dims = new DimText(new LinkedHashMap<>());
  private final StringBuilder text = new StringBuilder();
  private int variables;

  /**
   * @param forms of the weights
   */
  MethodWriter(Graph graph, Function<String, WeightForm> forms, Arithmetic arithmetic) {
    this.graph = graph;
    this.forms = forms;
    this.arithmetic = arithmetic;
    this.inputs = List.copyOf(graph.inputs().keySet());
    this.weights = List.copyOf(graph.weights().keySet());
    this.scaled = weights.stream().filter(name -> forms.apply(name).isScaled()).toList();
  }

  /** The body of the segment's own method, indented. */
  String write() {
    return write(graph.outputs().values(), Set.of());
  }

  /**
   * A method's body, indented.
   *
   * @param outputs of the list that it returns
   * @param kept products of which something follows there, see {@link Keepsake}
   */
  String write(Collection<Value> outputs, Set<Value> kept) {
    bindSymbols();
    Set<Value> read = read(outputs, kept);
    var overwriting = Overwriting.of(graph, read, outputs, kept);
    Set<Value> added = added(read, overwriting);
    var keepsakes = new ArrayList<String>();
    for (Value node : graph.nodes()) {
      if (kept.contains(node) && node.op() instanceof Op.Attention attention) {
        keepsakes.addAll(Keepsake.attend(attention, node, this));
      } else if (read.contains(node) && !node.isSource() && !added.contains(node)) {
        Optional<Value> product = overwriting.added(node).filter(added::contains);
        assign(
            node,
            product.isPresent()
                ? OpRules.sum(node, product.get(), this)
                : OpRules.write(node, this, overwriting.operand(node)));
        if (kept.contains(node)) {
          keepsakes.add(stored(node));
        }
      }
    }
    var results = new StringJoiner(", ", "[", "]");
    outputs.forEach(v -> results.add("torch.contiguous(" + operand(v) + ")"));
    keepsakes.forEach(results::add);
    line("return " + results);
    return text();
  }

  /** Products that are computed onto what they are added to. */
  private Set<Value> added(Set<Value> read, Overwriting overwriting) {
    var added = new HashSet<Value>();
    if (computesInFp32()) {
      read.forEach(node -> overwriting.added(node).ifPresent(added::add));
    }
    return added;
  }

  /** What has to be computed for some values. */
  private Set<Value> read(Collection<Value> outputs, Set<Value> kept) {
    var read = new HashSet<Value>(outputs);
    read.addAll(kept);
    List<Value> nodes = graph.nodes();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      if (read.contains(nodes.get(i))) {
        read.addAll(nodes.get(i).inputs());
      }
    }
    return read;
  }

  /** Computes a node from operands that have names. */
  void assign(Value node) {
    assign(node, OpRules.write(node, this, Optional.empty()));
  }

  /** Gives a node the value of an expression. */
  void assign(Value node, String expression) {
    String name = fresh("t");
    line(name + " = " + expression);
    name(node, name);
  }

  /** Calls a value by a variable's name from here on. */
  void name(Value value, String variable) {
    names.put(value, variable);
  }

  boolean isNamed(Value value) {
    return names.containsKey(value);
  }

  /** A variable that is not taken. */
  String fresh(String prefix) {
    return prefix + variables++;
  }

  /** What is written so far. */
  String text() {
    return text.toString();
  }

  /** A method on the same list, with what follows it. */
  MethodWriter onTheSameList() {
    var other = new MethodWriter(graph, forms, arithmetic);
    other.constants.addAll(constants);
    return other;
  }

  /** How long the method's list is up to here. */
  int listed() {
    return inputs.size() + weights.size() + scaled.size() + constants.size();
  }

  /** Weights whose scales follow the weights in the method's list. */
  List<String> scaled() {
    return scaled;
  }

  /** Constants that follow these in the method's list; known once written. */
  List<Value> constants() {
    return List.copyOf(constants);
  }

  void line(String statement) {
    text.append("    ").append(statement).append('\n');
  }

  /** Begins with the sizes that shapes are written in. */
  void bindSymbols() {
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
    String held = stored(value);
    return value.op() instanceof Op.Weight weight ? widened(weight, held, scale(weight)) : held;
  }

  /** The expression of a value in the numbers that products are computed in. */
  String factor(Value value) {
    if (arithmetic == Arithmetic.FP32) {
      return operand(value);
    }
    String held = stored(value);
    if (!(value.op() instanceof Op.Weight weight)) {
      return factor(held);
    }
    return switch (form(weight)) {
      case NUMBERS -> factor(held);
      case BF16 -> form(weight).numbers(held);
      case E4M3, E5M2 -> factor(operand(value));
    };
  }

  /** The fp32 expression of a product of {@link #factor factors}. */
  String product(String expression) {
    return arithmetic == Arithmetic.FP32 ? expression : "torch.to(%s, 6)".formatted(expression);
  }

  /** Whether products are computed in fp32 like all else. */
  boolean computesInFp32() {
    return arithmetic == Arithmetic.FP32;
  }

  /** An fp32 expression in the numbers that products are computed in. */
  String factor(String expression) {
    return arithmetic == Arithmetic.FP32 ? expression : "torch.to(%s, 15)".formatted(expression);
  }

  /** An expression of a value's shape as a matrix of its last axis. */
  String rows(String expression, Value value) {
    return "torch.reshape(%s, [-1, %s])".formatted(expression, dim(value.dim(-1)));
  }

  /** The fp32 expression of rows of a value, taken before they are cast. */
  String taken(Value value, String indices) {
    String rows = taken(stored(value), indices);
    return value.op() instanceof Op.Weight weight
        ? widened(weight, rows, taken(scale(weight), indices))
        : rows;
  }

  private static String taken(String held, String indices) {
    return "torch.index_select(%s, 0, %s)".formatted(held, indices);
  }

  private WeightForm form(Op.Weight weight) {
    return forms.apply(weight.name());
  }

  /** The fp32 expression of a weight or some of its rows as they are held. */
  private String widened(Op.Weight weight, String held, String scale) {
    String numbers = "torch.to(%s, 6)".formatted(form(weight).numbers(held));
    return form(weight).isScaled() ? "torch.mul_(%s, %s)".formatted(numbers, scale) : numbers;
  }

  /** The scales of a weight that has some. */
  private String scale(Op.Weight weight) {
    return element(inputs.size() + weights.size() + scaled.indexOf(weight.name()));
  }

  /** The expression of a value as it is held: weights in the checkpoint's element type. */
  String stored(Value value) {
    String named = names.get(value);
    if (named != null) {
      return named;
    }
    if (value.op() instanceof Op.Input input) {
      return element(inputs.indexOf(input.name()));
    }
    if (value.op() instanceof Op.Weight weight) {
      return element(inputs.size() + weights.indexOf(weight.name()));
    }
    if (!value.isSource()) {
      throw new IllegalStateException(graph.name() + ": nothing computes " + value);
    }
    return constant(value);
  }

  private String constant(Value value) {
    int index = 0;
    while (index < constants.size() && constants.get(index) != value) {
      index++;
    }
    if (index == constants.size()) {
      constants.add(value);
    }
    return element(inputs.size() + weights.size() + scaled.size() + index);
  }

  static String element(int index) {
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
