package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/**
 * A segment of a program as a call of a TorchScript method.
 *
 * @param graph what it computes
 * @param method the method's name; segments with equal code share one
 * @param constants what follows inputs and weights in the method's argument list
 */
record Segment(Graph graph, String method, List<Value> constants) {
  Segment {
    constants = List.copyOf(constants);
  }

  int argumentCount() {
    return graph.inputs().size() + graph.weights().size() + constants.size();
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
