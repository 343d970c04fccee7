package io.github.tpdiff.runtime.graph;

/** A graph that cannot be: shapes that do not fit, names used twice, symbols nothing binds. */
public final class GraphException extends IllegalArgumentException {
  public GraphException(String message) {
    super(message);
  }
}
