package io.github.tpdiff.conformance.golden;

import io.github.tpdiff.runtime.engine.Tensor;
import java.util.Optional;

/**
 * One run of a case.
 *
 * @param golden the case
 * @param prefix of the names of its outputs: the run's name and a dot, or nothing
 * @param args what {@code case.json} says about the run, and about all runs
 */
public record GoldenRun(GoldenCase golden, String prefix, Arguments args) {

  /** The run's name, without the dot. */
  public String name() {
    return prefix.isEmpty() ? "" : prefix.substring(0, prefix.length() - 1);
  }

  /** The name in {@code io.safetensors} of an input: the run's own, or one shared by all runs. */
  public String inputName(String name) {
    return findInputName(name).orElse("in." + prefix + name);
  }

  /** Name of an input, if the case has it. */
  public Optional<String> findInputName(String name) {
    return Optional.of("in." + prefix + name)
        .filter(golden::readsInput)
        .or(() -> Optional.of("in." + name).filter(golden::readsInput));
  }

  /** An input for an engine. */
  public Tensor input(String name) {
    return Values.tensor(golden.tensors(), inputName(name));
  }

  /** An input, if the case has it. */
  public Optional<Tensor> findInput(String name) {
    return findInputName(name).map(full -> Values.tensor(golden.tensors(), full));
  }

  /** Whether the case expects this output. */
  public boolean expects(String output) {
    return golden.tensors().names().contains("out." + prefix + output);
  }
}
