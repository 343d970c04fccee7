package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import java.util.EnumMap;
import java.util.HashMap;
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
  private final Role first;
  private final Role next;
  private final Map<Role, Executable> loaded = new EnumMap<>(Role.class);

  ChunkedVae(PipelineParts parts, Role first, Role next) {
    this.parts = parts;
    this.first = parts.roles().contains(first) ? first : next;
    this.next = next;
    if (!parts.roles().contains(this.first)) {
      throw new CheckpointException("%s: this model has no such component".formatted(next.label()));
    }
  }

  /** The chunks of one clip. */
  Run start() {
    return new Run();
  }

  /** The state between the chunks of one clip. */
  final class Run {
    private Map<String, Tensor> state = Map.of();
    private Role role = first;

    /** Runs the next chunk: one input, one output, and the state behind the scenes. */
    Tensor chunk(String input, Tensor values, String output) {
      Executable executable = loaded.computeIfAbsent(role, parts::load);
      var inputs = new HashMap<String, Tensor>();
      inputs.put(input, values);
      for (String name : executable.inputNames()) {
        if (!name.equals(input)) {
          inputs.put(name, requireState(name));
        }
      }
      Map<String, Tensor> outputs = executable.run(inputs);
      Tensor result = Outputs.require(outputs, output, role);
      state = nextState(outputs);
      role = next;
      return result;
    }

    private Tensor requireState(String name) {
      return Optional.ofNullable(state.get(name))
          .orElseThrow(
              () ->
                  new CheckpointException(
                      "%s: input %s: expected an output %s%s of the chunk before, found none"
                          .formatted(role.label(), name, name, NEXT)));
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
