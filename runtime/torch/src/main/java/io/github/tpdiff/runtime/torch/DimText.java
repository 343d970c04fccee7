package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Shape;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Dims as Python integer expressions over variables.
 *
 * @param variables the Python variable of each symbol
 */
record DimText(Map<String, String> variables) {

  String of(Dim dim) {
    if (dim.terms().isEmpty()) {
      return "0";
    }
    return dim.terms().stream().map(this::of).collect(Collectors.joining(" + "));
  }

  private String of(Dim.Term term) {
    String factors = term.atoms().stream().map(this::of).collect(Collectors.joining(" * "));
    if (factors.isEmpty()) {
      return Long.toString(term.coefficient());
    }
    return term.coefficient() == 1 ? factors : term.coefficient() + " * " + factors;
  }

  private String of(Dim.Atom atom) {
    if (atom instanceof Dim.Quotient quotient) {
      return "((" + of(quotient.numerator()) + ") // " + quotient.divisor() + ")";
    }
    return Objects.requireNonNull(variables.get(((Dim.Symbol) atom).name()));
  }

  /** A list of integers. */
  String of(Shape shape) {
    return shape.dims().stream().map(this::of).collect(Collectors.joining(", ", "[", "]"));
  }
}
