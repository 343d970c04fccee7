package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.engine.DeviceValues;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import java.util.List;
import java.util.Map;

/**
 * A loaded component and the same with its adapter bound; closing this closes both.
 *
 * @param adapted runs
 */
record AdaptedExecutable(Executable loaded, Executable adapted) implements Executable {
  /** A component of some parts, loaded, with what they put on it. */
  static Executable load(PipelineParts parts, String component) {
    Executable loaded = parts.load(component);
    boolean bound = false;
    try {
      Map<String, Tensor> adapter = parts.adapter(component);
      Executable whole =
          adapter.isEmpty() ? loaded : new AdaptedExecutable(loaded, loaded.bind(adapter));
      bound = true;
      return whole;
    } finally {
      if (!bound) {
        loaded.close();
      }
    }
  }

  @Override
  public List<String> inputNames() {
    return adapted.inputNames();
  }

  @Override
  public List<String> outputNames() {
    return adapted.outputNames();
  }

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> inputs) {
    return adapted.run(inputs);
  }

  @Override
  public DeviceValues compute(Map<String, Tensor> inputs) {
    return adapted.compute(inputs);
  }

  @Override
  public Executable bind(Map<String, Tensor> fixed) {
    return adapted.bind(fixed);
  }

  @Override
  public Executable bind(Map<String, Tensor> fixed, DeviceValues computed) {
    return adapted.bind(fixed, computed);
  }

  @Override
  public Executable until(Cancellation cancellation) {
    return adapted.until(cancellation);
  }

  @Override
  public void close() {
    adapted.close();
    loaded.close();
  }
}
