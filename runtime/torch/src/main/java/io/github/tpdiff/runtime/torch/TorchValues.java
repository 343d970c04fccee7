package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.engine.DeviceValues;
import io.github.tpdiff.runtime.engine.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Results on PyTorch's device. */
record TorchValues(NDManager manager, Map<String, NDArray> arrays) implements DeviceValues {
  @Override
  public Set<String> names() {
    return arrays.keySet();
  }

  @Override
  public Map<String, Tensor> toHost() {
    var tensors = new LinkedHashMap<String, Tensor>();
    arrays.forEach((name, array) -> tensors.put(name, HostTensors.toHost(array)));
    return tensors;
  }

  @Override
  public void close() {
    manager.close();
  }
}
