package io.github.tpdiff.runtime.engine;

import java.util.Map;
import java.util.Set;

/** Named results that stay where an engine computes, to be bound by executables of that engine. */
public interface DeviceValues extends AutoCloseable {
  Set<String> names();

  /** Copies on the host. */
  Map<String, Tensor> toHost();

  /** Frees the values; nothing bound to them may run any more. */
  @Override
  void close();

  /** Values in the host's memory, for engines that read it where it lies. */
  static DeviceValues of(Map<String, Tensor> values) {
    return new HostValues(values);
  }
}
