package io.github.tpdiff.runtime.engine;

import java.util.List;
import java.util.Map;

/** An executable that does not begin to run once that is cancelled. */
record CancellableExecutable(Executable executable, Cancellation cancellation, Runnable release)
    implements Executable {
  @Override
  public List<String> inputNames() {
    return executable.inputNames();
  }

  @Override
  public List<String> outputNames() {
    return executable.outputNames();
  }

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> inputs) {
    cancellation.check();
    return executable.run(inputs);
  }

  @Override
  public DeviceValues compute(Map<String, Tensor> inputs) {
    cancellation.check();
    return executable.compute(inputs);
  }

  @Override
  public Executable bind(Map<String, Tensor> fixed) {
    return bound(executable.bind(fixed));
  }

  @Override
  public Executable bind(Map<String, Tensor> fixed, DeviceValues computed) {
    return bound(executable.bind(fixed, computed));
  }

  private Executable bound(Executable bound) {
    return new CancellableExecutable(bound, cancellation, bound::close);
  }

  @Override
  public void close() {
    release.run();
  }
}
