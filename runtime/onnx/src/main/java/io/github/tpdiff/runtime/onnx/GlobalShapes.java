package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import java.util.HashMap;
import java.util.Map;

/**
 * Shapes of a program's named values in symbols that mean the same in every segment.
 *
 * <p>A symbol belongs to its segment: {@code height} of a later segment may be {@code 2*height} of
 * an earlier one. In an ONNX graph a name stands for one extent throughout, and the runtime plans
 * memory by it.
 */
final class GlobalShapes {
  private final Map<String, Shape> inputs = new HashMap<>();
  private final Map<String, Shape> shapes = new HashMap<>();

  private GlobalShapes() {}

  static GlobalShapes of(Program program) {
    var global = new GlobalShapes();
    program.segments().forEach(global::add);
    return global;
  }

  /** The shape of a program input. */
  Shape input(String name) {
    return require(inputs, name);
  }

  /** The shape of a program output. */
  Shape output(String name) {
    return require(shapes, name);
  }

  private static Shape require(Map<String, Shape> shapes, String name) {
    Shape shape = shapes.get(name);
    if (shape == null) {
      throw new GraphException("no segment reads or produces " + name);
    }
    return shape;
  }

  private void add(Graph segment) {
    var meaning = new HashMap<String, Dim>();
    segment.inputs().forEach((name, value) -> learn(name, value, meaning));
    segment
        .inputs()
        .forEach(
            (name, value) -> {
              if (!shapes.containsKey(name)) {
                Shape shape = translate(value.shape(), meaning);
                inputs.put(name, shape);
                shapes.put(name, shape);
              }
            });
    segment.outputs().forEach((name, value) -> shapes.put(name, translate(value.shape(), meaning)));
  }

  private void learn(String name, Value value, Map<String, Dim> meaning) {
    Shape known = shapes.get(name);
    if (known != null) {
      for (int axis = 0; axis < known.rank(); axis++) {
        Dim extent = known.dim(axis);
        value.shape().dim(axis).asSymbol().ifPresent(s -> meaning.putIfAbsent(s, extent));
      }
    }
  }

  private static Shape translate(Shape shape, Map<String, Dim> meaning) {
    return new Shape(shape.dims().stream().map(dim -> translate(dim, meaning)).toList());
  }

  private static Dim translate(Dim dim, Map<String, Dim> meaning) {
    Dim sum = Dim.of(0);
    for (Dim.Term term : dim.terms()) {
      Dim product = Dim.of(term.coefficient());
      for (Dim.Atom atom : term.atoms()) {
        product = product.times(translate(atom, meaning));
      }
      sum = sum.plus(product);
    }
    return sum;
  }

  private static Dim translate(Dim.Atom atom, Map<String, Dim> meaning) {
    if (atom instanceof Dim.Quotient quotient) {
      return translate(quotient.numerator(), meaning).dividedBy(quotient.divisor());
    }
    String symbol = ((Dim.Symbol) atom).name();
    return meaning.getOrDefault(symbol, Dim.symbol(symbol));
  }
}
