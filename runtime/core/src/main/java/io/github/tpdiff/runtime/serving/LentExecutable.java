package io.github.tpdiff.runtime.serving;

import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.engine.DeviceValues;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;

/** A warm executable for one generation, which closes it to give it back. */
final class LentExecutable implements Executable {
  private final WarmExecutables.Warm warm;
  private final WarmExecutables home;
  private final Executable executable;
  private boolean isWell = true;
  private boolean closed;

  LentExecutable(WarmExecutables.Warm warm, WarmExecutables home, Cancellation cancellation) {
    this.warm = warm;
    this.home = home;
    this.executable = warm.executable().until(cancellation);
  }

  /** What fails may leave anything behind; what is cancelled does not. */
  private <T> T watched(Supplier<T> work) {
    try {
      return work.get();
    } catch (CancellationException cancelled) {
      throw cancelled;
    } catch (RuntimeException | Error failure) {
      isWell = false;
      throw failure;
    }
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
  public Map<String, Tensor> run(Map<String, Tensor> inputs) {
    return watched(() -> executable.run(inputs));
  }

  @Override
  public DeviceValues compute(Map<String, Tensor> inputs) {
    return watched(() -> executable.compute(inputs));
  }

  @Override
  public Executable bind(Map<String, Tensor> fixed) {
    return new Bound(executable.bind(fixed));
  }

  @Override
  public Executable bind(Map<String, Tensor> fixed, DeviceValues computed) {
    return new Bound(executable.bind(fixed, computed));
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      executable.close();
      home.giveBack(warm, isWell);
    }
  }

  private final class Bound implements Executable {
    private final Executable bound;

    Bound(Executable bound) {
      this.bound = bound;
    }

    @Override
    public List<String> inputNames() {
      return bound.inputNames();
    }

    @Override
    public List<String> outputNames() {
      return bound.outputNames();
    }

    @Override
    public Map<String, Tensor> run(Map<String, Tensor> inputs) {
      return watched(() -> bound.run(inputs));
    }

    @Override
    public DeviceValues compute(Map<String, Tensor> inputs) {
      return watched(() -> bound.compute(inputs));
    }

    @Override
    public Executable bind(Map<String, Tensor> fixed) {
      return new Bound(bound.bind(fixed));
    }

    @Override
    public Executable bind(Map<String, Tensor> fixed, DeviceValues computed) {
      return new Bound(bound.bind(fixed, computed));
    }

    @Override
    public void close() {
      bound.close();
    }
  }
}
