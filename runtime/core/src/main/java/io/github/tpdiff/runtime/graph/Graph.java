package io.github.tpdiff.runtime.graph;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;

/**
 * A pure function from named inputs and weights to named outputs: one segment of a model, the unit
 * of compilation, gradient checkpointing, weight streaming and progress.
 *
 * <p>Symbols in its shapes are bound by the inputs: every symbol must stand alone as an extent of
 * some input. Inputs and weights are listed in order of first use.
 */
public final class Graph {
  private final String name;
  private final Map<String, Value> outputs;
  private final List<Value> nodes;
  private final Map<String, Value> inputs = new LinkedHashMap<>();
  private final Map<String, Value> weights = new LinkedHashMap<>();

  public Graph(String name, Map<String, Value> outputs) {
    if (outputs.isEmpty()) {
      throw new GraphException("graph " + name + ": has no output");
    }
    this.name = name;
    this.outputs = Collections.unmodifiableMap(new LinkedHashMap<>(outputs));
    this.nodes = List.copyOf(sorted(outputs.values()));
    for (Value node : nodes) {
      if (node.op() instanceof Op.Input input) {
        putOnce(inputs, input.name(), node);
      } else if (node.op() instanceof Op.Weight weight) {
        putOnce(weights, weight.name(), node);
      }
    }
    requireSymbolsBound();
  }

  /** A graph with one output. */
  public static Graph of(String name, String output, Value value) {
    return new Graph(name, Map.of(output, value));
  }

  private void putOnce(Map<String, Value> map, String key, Value node) {
    Value earlier = map.putIfAbsent(key, node);
    if (earlier != null && !earlier.shape().equals(node.shape())) {
      throw new GraphException(
          name + ": " + key + " has shape " + earlier.shape() + " and shape " + node.shape());
    }
    if (earlier != null && earlier.type() != node.type()) {
      throw new GraphException(
          name + ": " + key + " has type " + earlier.type() + " and type " + node.type());
    }
  }

  private static List<Value> sorted(Iterable<Value> roots) {
    var order = new ArrayList<Value>();
    Set<Value> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Value root : roots) {
      visit(root, seen, order);
    }
    return order;
  }

  private static void visit(Value value, Set<Value> seen, List<Value> order) {
    if (seen.add(value)) {
      value.inputs().forEach(input -> visit(input, seen, order));
      order.add(value);
    }
  }

  private void requireSymbolsBound() {
    var bound = new TreeSet<String>();
    for (Value input : inputs.values()) {
      input.shape().dims().forEach(d -> d.asSymbol().ifPresent(bound::add));
    }
    for (Value node : nodes) {
      node.shape().dims().forEach(dim -> requireBound(dim, bound));
      if (node.op() instanceof Op.Slice slice) {
        requireBound(slice.from(), bound);
        requireBound(slice.to(), bound);
      }
    }
  }

  private void requireBound(Dim dim, Set<String> bound) {
    if (!bound.containsAll(dim.symbols())) {
      throw new GraphException(
          name + ": no input binds the symbols of " + dim + "; bound are " + bound);
    }
  }

  public String name() {
    return name;
  }

  /** Nodes in an order in which every value comes after its inputs. */
  public List<Value> nodes() {
    return nodes;
  }

  public Map<String, Value> inputs() {
    return Collections.unmodifiableMap(inputs);
  }

  /** Checkpoint tensors by name. */
  public Map<String, Value> weights() {
    return Collections.unmodifiableMap(weights);
  }

  public Map<String, Value> outputs() {
    return outputs;
  }

  /**
   * Binds the symbols from the shapes of the inputs.
   *
   * @param shapes at least the shapes of {@link #inputs()}, by name
   * @throws GraphException if an input is missing or does not fit, naming it
   */
  public Map<String, Long> bind(Map<String, long[]> shapes) {
    var binding = new HashMap<String, Long>();
    inputs.forEach((input, value) -> bindSymbols(input, value.shape(), shapes, binding));
    inputs.forEach(
        (input, value) -> {
          long[] found = shapeOf(input, shapes);
          if (!java.util.Arrays.equals(value.shape().evaluate(binding), found)) {
            throw mismatch(input, value.shape(), found);
          }
        });
    return binding;
  }

  private void bindSymbols(
      String input, Shape shape, Map<String, long[]> shapes, Map<String, Long> binding) {
    long[] found = shapeOf(input, shapes);
    if (found.length != shape.rank()) {
      throw mismatch(input, shape, found);
    }
    for (int i = 0; i < found.length; i++) {
      long extent = found[i];
      shape.dim(i).asSymbol().ifPresent(symbol -> binding.putIfAbsent(symbol, extent));
    }
  }

  private long[] shapeOf(String input, Map<String, long[]> shapes) {
    long[] found = shapes.get(input);
    if (found == null) {
      throw new GraphException(name + ": input " + input + " is missing");
    }
    return found;
  }

  private GraphException mismatch(String input, Shape expected, long[] found) {
    return new GraphException(
        name
            + ": input "
            + input
            + ": expected "
            + expected
            + ", found "
            + java.util.Arrays.toString(found));
  }

  /**
   * The graph with every value replaced by what {@code rule} makes of it.
   *
   * @param rule called in order with a value and its already rewritten inputs; returns the
   *     replacement, or empty to keep the operation on the rewritten inputs
   */
  public Graph rewrite(BiFunction<Value, List<Value>, java.util.Optional<Value>> rule) {
    var replaced = new IdentityHashMap<Value, Value>();
    for (Value node : nodes) {
      var newInputs = node.inputs().stream().map(replaced::get).toList();
      Value kept =
          newInputs.equals(node.inputs())
              ? node
              : new Value(node.op(), newInputs, node.shape(), node.type());
      replaced.put(node, rule.apply(kept, newInputs).orElse(kept));
    }
    var newOutputs = new LinkedHashMap<String, Value>();
    outputs.forEach(
        (key, value) -> newOutputs.put(key, java.util.Objects.requireNonNull(replaced.get(value))));
    return new Graph(name, newOutputs);
  }

  @Override
  public String toString() {
    return name + inputs.keySet() + " -> " + outputs.keySet();
  }
}
