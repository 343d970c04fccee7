package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/**
 * A segment of a program as a call of a TorchScript method.
 *
 * @param graph what it computes
 * @param method the method's name; segments with equal code share one
 * @param scaled weights whose scales follow inputs and weights in the method's argument list
 * @param constants what follows these
 */
record Segment(Graph graph, String method, List<String> scaled, List<Value> constants) {
  Segment {
    scaled = List.copyOf(scaled);
    constants = List.copyOf(constants);
  }

  List<String> inputs() {
    return List.copyOf(graph.inputs().keySet());
  }

  List<String> weights() {
    return List.copyOf(graph.weights().keySet());
  }

  List<String> outputs() {
    return List.copyOf(graph.outputs().keySet());
  }
}
