package io.github.tpdiff.runtime.engine;

import java.util.Map;
import java.util.Set;

/** Values in the host's memory. */
record HostValues(Map<String, Tensor> toHost) implements DeviceValues {
  HostValues {
    toHost = Map.copyOf(toHost);
  }

  @Override
  public Set<String> names() {
    return toHost.keySet();
  }

  @Override
  public void close() {}
}
