package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the rules need to write one segment: the nodes so far, the flavour, and extents as values.
 *
 * <p>An extent is an I64 tensor of one element, computed from the shapes of the segment's inputs
 * when it is first needed and then shared.
 */
final class SegmentCode {
  private static final Dim COPY = Dim.of(0);
  private static final Dim INFER = Dim.of(-1);

  private final NodeList nodes;
  private final GraphForm form;
  private final Graph segment;
  private final Map<String, String> inputNames;
  private final Map<Dim, String> extents = new HashMap<>();
  private final Map<List<Dim>, String> vectors = new HashMap<>();

  /**
   * @param inputNames names in the ONNX graph of the segment's inputs
   */
  SegmentCode(NodeList nodes, GraphForm form, Graph segment, Map<String, String> inputNames) {
    this.nodes = nodes;
    this.form = form;
    this.segment = segment;
    this.inputNames = inputNames;
  }

  NodeList nodes() {
    return nodes;
  }

  GraphForm form() {
    return form;
  }

  /** The name of segment input {@code input} in the ONNX graph. */
  String input(String input) {
    String name = inputNames.get(input);
    if (name == null) {
      throw new GraphException(segment.name() + ": nothing gives input " + input);
    }
    return name;
  }

  /** An extent, I64 [1]. */
  String extent(Dim dim) {
    String known = extents.get(dim);
    if (known == null) {
      known = computeExtent(dim);
      extents.put(dim, known);
    }
    return known;
  }

  private String computeExtent(Dim dim) {
    if (dim.isFixed()) {
      return nodes.longs(List.of(dim.value()), List.of(1L));
    }
    var symbol = dim.asSymbol();
    if (symbol.isPresent()) {
      return extentOfInput(symbol.get());
    }
    String sum = "";
    for (Dim.Term term : dim.terms()) {
      String product = computeTerm(term);
      sum = sum.isEmpty() ? product : nodes.add("Add", List.of(sum, product));
    }
    return sum;
  }

  private String computeTerm(Dim.Term term) {
    String product = "";
    if (term.coefficient() != 1 || term.atoms().isEmpty()) {
      product = extent(Dim.of(term.coefficient()));
    }
    for (Dim.Atom atom : term.atoms()) {
      String factor = computeAtom(atom);
      product = product.isEmpty() ? factor : nodes.add("Mul", List.of(product, factor));
    }
    return product;
  }

  private String computeAtom(Dim.Atom atom) {
    if (atom instanceof Dim.Quotient quotient) {
      // Numerators have no negative coefficients, so truncating division is floor division.
      return nodes.add(
          "Div", List.of(extent(quotient.numerator()), extent(Dim.of(quotient.divisor()))));
    }
    return extent(Dim.symbol(((Dim.Symbol) atom).name()));
  }

  private String extentOfInput(String symbol) {
    for (Map.Entry<String, Value> input : segment.inputs().entrySet()) {
      Shape shape = input.getValue().shape();
      for (int axis = 0; axis < shape.rank(); axis++) {
        if (shape.dim(axis).asSymbol().filter(symbol::equals).isPresent()) {
          return nodes.add(
              "Shape",
              List.of(input(input.getKey())),
              Attributes.integer("start", axis),
              Attributes.integer("end", axis + 1));
        }
      }
    }
    throw new GraphException(segment.name() + ": no input binds " + symbol);
  }

  /** Extents as one I64 vector. */
  String vector(List<Dim> dims) {
    String known = vectors.get(dims);
    if (known == null) {
      known = computeVector(dims);
      vectors.put(dims, known);
    }
    return known;
  }

  private String computeVector(List<Dim> dims) {
    if (dims.stream().allMatch(Dim::isFixed)) {
      return nodes.longs(dims.stream().map(Dim::value).toList(), List.of((long) dims.size()));
    }
    if (dims.size() == 1) {
      return extent(dims.get(0));
    }
    return nodes.add(
        "Concat", dims.stream().map(this::extent).toList(), Attributes.integer("axis", 0));
  }

  /** {@code x} of shape {@code from} as shape {@code to}, with as little arithmetic as possible. */
  String reshape(String x, Shape from, Shape to) {
    if (from.equals(to)) {
      return x;
    }
    if (to.dims().stream().anyMatch(dim -> dim.is(0))) {
      return nodes.add(
          "Reshape", List.of(x, vector(to.dims())), Attributes.integer("allowzero", 1));
    }
    var target = new ArrayList<Dim>();
    int inferred = -1;
    for (int axis = 0; axis < to.rank(); axis++) {
      Dim dim = to.dim(axis);
      if (!dim.isFixed() && axis < from.rank() && dim.equals(from.dim(axis))) {
        target.add(COPY);
      } else {
        target.add(dim);
        inferred = dim.isFixed() ? inferred : axis;
      }
    }
    if (inferred >= 0) {
      target.set(inferred, INFER);
    }
    return nodes.add("Reshape", List.of(x, vector(target)));
  }

  /** {@code x} of shape {@code from} broadcast to {@code to}. */
  String expand(String x, Shape from, Shape to) {
    if (from.equals(to)) {
      return x;
    }
    var target = new ArrayList<Dim>();
    int missing = to.rank() - from.rank();
    for (int axis = 0; axis < to.rank(); axis++) {
      boolean kept = axis >= missing && from.dim(axis - missing).equals(to.dim(axis));
      target.add(kept ? Dim.of(1) : to.dim(axis));
    }
    return nodes.add("Expand", List.of(x, vector(target)));
  }
}
