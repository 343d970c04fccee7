package io.github.tpdiff.runtime.torch;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.torch.TorchModule.Mode;
import java.util.ArrayList;
import java.util.List;

/**
 * Calls of {@link OptimizerScript}'s methods.
 *
 * @param module the loaded script, owned
 * @param held whose device the tensors are on
 */
record OptimizerCalls(TorchModule module, NDManager held) implements AutoCloseable {
  /** Changes tensors in place. */
  void run(String method, float[] numbers, List<NDArray> tensors) {
    if (tensors.isEmpty()) {
      return;
    }
    try (NDManager scope = held.newSubManager()) {
      call(method, numbers, tensors, scope);
    }
  }

  /** New tensors. */
  List<NDArray> made(String method, float[] numbers, List<NDArray> tensors) {
    try (NDManager scope = held.newSubManager()) {
      List<NDArray> made = call(method, numbers, tensors, scope);
      made.forEach(tensor -> tensor.attach(held));
      return made;
    }
  }

  /** The few numbers that a method gives, on the host. */
  double[] numbers(String method, float[] numbers, List<NDArray> tensors) {
    try (NDManager scope = held.newSubManager()) {
      NDArray found = call(method, numbers, tensors, scope).get(0);
      return found.toType(DataType.FLOAT64, false).toDoubleArray();
    }
  }

  /** Numbers that stay on the device. */
  NDArray hold(float[] numbers) {
    return HostTensors.copy(Tensor.ofFloats(numbers, numbers.length), held);
  }

  private List<NDArray> call(
      String method, float[] numbers, List<NDArray> tensors, NDManager scope) {
    // Numbers are read on the host: from the device each would wait for it.
    NDManager host = scope.newSubManager(Device.cpu());
    var arguments = new ArrayList<NDArray>();
    arguments.add(HostTensors.toDevice(Tensor.ofFloats(numbers, numbers.length), host));
    arguments.addAll(tensors);
    return module.call(method, arguments, Mode.NO_GRAD, scope);
  }

  @Override
  public void close() {
    module.close();
  }
}
