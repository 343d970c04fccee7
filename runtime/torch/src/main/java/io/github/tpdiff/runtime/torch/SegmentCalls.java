package io.github.tpdiff.runtime.torch;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Calls the methods of segments with their values, weights and constants. */
final class SegmentCalls {
  private final TorchModule module;
  private final TorchWeights weights;
  private final Map<Value, NDArray> constants = new HashMap<>();

  SegmentCalls(List<Segment> segments, TorchModule module, TorchWeights weights, NDManager held) {
    this.module = module;
    this.weights = weights;
    for (Segment segment : segments) {
      for (Value constant : segment.constants()) {
        constants.computeIfAbsent(constant, c -> HostTensors.constant(c, held));
      }
    }
  }

  /** Makes segment {@code segment}'s weights ready, and begins with those of {@code next}. */
  void enter(int segment, int next) {
    weights.enter(segment, next);
  }

  /**
   * Runs a segment.
   *
   * @return its outputs in order, belonging to {@code scope}
   * @throws io.github.tpdiff.runtime.graph.GraphException if a value is missing or does not fit
   */
  List<NDArray> run(
      Segment segment, Map<String, NDArray> values, TorchModule.Mode mode, NDManager scope) {
    return run(segment, segment.method(), values, mode, scope);
  }

  /** Runs a method on the list of a segment's own. */
  List<NDArray> run(
      Segment segment,
      String method,
      Map<String, NDArray> values,
      TorchModule.Mode mode,
      NDManager scope) {
    var shapes = new HashMap<String, long[]>();
    values.forEach((name, array) -> shapes.put(name, array.getShape().getShape()));
    segment.graph().bind(shapes);
    try (NDManager copies = scope.newSubManager()) {
      var arguments = arguments(segment, values, copies);
      return call(segment, method, arguments, mode, scope);
    }
  }

  private List<NDArray> call(
      Segment segment,
      String method,
      List<NDArray> arguments,
      TorchModule.Mode mode,
      NDManager scope) {
    try {
      return module.call(method, arguments, mode, scope);
    } catch (EngineException failure) {
      throw new IllegalStateException(
          segment.graph().name() + ": PyTorch: " + lastLine(failure), failure);
    }
  }

  /** What went wrong; the lines before it are a trace through generated code. */
  private static String lastLine(EngineException failure) {
    return String.valueOf(failure.getMessage())
        .lines()
        .filter(line -> !line.isBlank())
        .reduce("", (before, line) -> line);
  }

  /** The argument list of a segment's method; weights that are copies belong to {@code copies}. */
  List<NDArray> arguments(Segment segment, Map<String, NDArray> values, NDManager copies) {
    weights.requireUnchanged();
    var arguments = new ArrayList<NDArray>();
    segment.inputs().forEach(name -> arguments.add(values.get(name)));
    segment.weights().forEach(name -> arguments.add(weights.get(name, copies)));
    segment.scaled().forEach(name -> arguments.add(weights.scales(name)));
    segment.constants().forEach(constant -> arguments.add(constants.get(constant)));
    return arguments;
  }
}
