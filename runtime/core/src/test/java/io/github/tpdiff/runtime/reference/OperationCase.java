package io.github.tpdiff.runtime.reference;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/** One configuration of an operation: a graph of as little else as possible. */
public record OperationCase(String name, Value output) {
  public Program program() {
    return new Program(name, List.of(Graph.of(name, "output", output)), List.of("output"));
  }

  @Override
  public String toString() {
    return name;
  }
}
