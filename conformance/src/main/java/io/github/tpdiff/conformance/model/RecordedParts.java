package io.github.tpdiff.conformance.model;

import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.ForwardingParts;
import io.github.tpdiff.runtime.model.PipelineParts;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Parts whose components' outputs are kept as they were computed, before whoever runs them scales,
 * clamps or cuts them.
 */
final class RecordedParts extends ForwardingParts {
  private final Map<String, List<Tensor>> outputs = new HashMap<>();

  RecordedParts(PipelineParts parts) {
    super(parts);
  }

  /** The outputs of one name since they were last taken, in order. */
  List<Tensor> take(String output) {
    return Optional.ofNullable(outputs.remove(output)).orElse(List.of());
  }

  @Override
  public Executable load(String component) {
    return new Recorded(super.load(component));
  }

  /** An executable whose outputs are kept. */
  private final class Recorded implements Executable {
    private final Executable executable;

    Recorded(Executable executable) {
      this.executable = executable;
    }

    @Override
    public Map<String, Tensor> run(Map<String, Tensor> inputs) {
      Map<String, Tensor> results = executable.run(inputs);
      results.forEach(
          (name, value) -> outputs.computeIfAbsent(name, key -> new ArrayList<>()).add(value));
      return results;
    }

    @Override
    public Executable bind(Map<String, Tensor> fixed) {
      return new Recorded(executable.bind(fixed));
    }

    @Override
    public List<String> inputNames() {
      return executable.inputNames();
    }

    @Override
    public List<String> outputNames() {
      return executable.outputNames();
    }

    @Override
    public void close() {
      executable.close();
    }
  }
}
