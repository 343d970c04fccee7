package io.github.tpdiff.runtime.graph;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A segment held to what a program has before it. A symbol that stands alone in an input means what
 * the program has in its place, which may be another expression; every extent must then be the same
 * in both, whatever the program's own symbols are bound to.
 *
 * @param known values of the program by name, over the program's symbols; {@link #join} adds to it
 */
record Joint(String program, Graph segment, Map<String, Known> known) {

  /** Type and shape of a value of the program. */
  record Known(ElementType type, Shape shape) {}

  /**
   * Adds the segment's inputs, where the program has none of that name yet, and its outputs.
   *
   * @throws GraphException if an input is not what the program has, naming it
   */
  void join() {
    var meanings = new HashMap<String, Dim>();
    segment
        .inputs()
        .forEach((name, input) -> find(name).ifPresent(k -> bind(name, input, k, meanings)));
    segment
        .inputs()
        .forEach(
            (name, input) -> {
              Shape shape = input.shape().substitute(meanings);
              Known before = known.putIfAbsent(name, new Known(input.type(), shape));
              if (before != null && !before.shape().equals(shape)) {
                throw wrong("input " + name, shape, before.shape());
              }
            });
    segment
        .outputs()
        .forEach(
            (name, output) ->
                known.put(name, new Known(output.type(), output.shape().substitute(meanings))));
  }

  /** Adds a weight to those of the program, where another of the name must be the same. */
  void share(String name, Value weight, Map<String, Value> weights) {
    Value other = weights.putIfAbsent(name, weight);
    if (other != null && !other.shape().equals(weight.shape())) {
      throw wrong("weight " + name, weight.shape(), other.shape());
    }
    if (other != null && other.type() != weight.type()) {
      throw wrong("weight " + name, weight.type(), other.type());
    }
  }

  private Optional<Known> find(String name) {
    return Optional.ofNullable(known.get(name));
  }

  private void bind(String name, Value input, Known found, Map<String, Dim> meanings) {
    if (input.type() != found.type()) {
      throw wrong("input " + name, input.type(), found.type());
    }
    if (input.shape().rank() != found.shape().rank()) {
      throw wrong("input " + name, input.shape(), found.shape());
    }
    for (int axis = 0; axis < input.shape().rank(); axis++) {
      Dim meant = found.shape().dim(axis);
      input.shape().dim(axis).asSymbol().ifPresent(symbol -> meanings.putIfAbsent(symbol, meant));
    }
  }

  private GraphException wrong(String what, Object expected, Object found) {
    return new GraphException(
        "program %s: segment %s: %s: expected %s, found %s"
            .formatted(program, segment.name(), what, expected, found));
  }
}
