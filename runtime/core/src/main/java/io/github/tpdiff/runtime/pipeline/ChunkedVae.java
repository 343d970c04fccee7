package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.weights.CheckpointException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Half of a VAE, run chunk by chunk: the first chunk of a clip by {@code first} where there is such
 * a component, the others by {@code next} with the state of the chunk before.
 *
 * <p>Each component is loaded when first needed and kept until closed, so many clips can follow one
 * another.
 */
final class ChunkedVae implements AutoCloseable {
  private static final String NEXT = ".next";

  private final PipelineParts parts;
  private final String first;
  private final String next;
  private final Map<String, Executable> loaded = new LinkedHashMap<>();

  ChunkedVae(PipelineParts parts, String component) {
    parts.require("a clip", List.of(component));
    this.parts = parts;
    String own = ComponentDescription.first(component);
    this.first = parts.has(own) ? own : component;
    this.next = component;
  }

  /** The chunks of one clip. */
  Run start() {
    return new Run();
  }

  /** The state between the chunks of one clip. */
  final class Run {
    private Map<String, Tensor> state = Map.of();
    private String component = first;

    /** Runs the next chunk: one input, one output, and the state behind the scenes. */
    Tensor chunk(String input, Tensor values, String output) {
      Executable executable = loaded.computeIfAbsent(component, parts::load);
      var inputs = new HashMap<String, Tensor>();
      inputs.put(input, values);
      for (String name : executable.inputNames()) {
        if (!name.equals(input)) {
          inputs.put(name, requireState(name));
        }
      }
      Map<String, Tensor> outputs = executable.run(inputs);
      Tensor result = require(output, outputs);
      state = nextState(outputs);
      component = next;
      return result;
    }

    private Tensor require(String output, Map<String, Tensor> outputs) {
      return Optional.ofNullable(outputs.get(output))
          .orElseThrow(
              () ->
                  new CheckpointException(
                      "%s: expected an output %s, found %s"
                          .formatted(component, output, outputs.keySet())));
    }

    private Tensor requireState(String name) {
      return Optional.ofNullable(state.get(name))
          .orElseThrow(
              () ->
                  new CheckpointException(
                      "%s: input %s: expected an output %s%s of the chunk before, found none"
                          .formatted(component, name, name, NEXT)));
    }
  }

  private static Map<String, Tensor> nextState(Map<String, Tensor> outputs) {
    var state = new HashMap<String, Tensor>();
    outputs.forEach(
        (name, tensor) -> {
          if (name.endsWith(NEXT)) {
            state.put(name.substring(0, name.length() - NEXT.length()), tensor);
          }
        });
    return state;
  }

  @Override
  public void close() {
    loaded.values().forEach(Executable::close);
    loaded.clear();
  }
}
