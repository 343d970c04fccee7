package io.github.tpdiff.runtime.torch;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.util.cuda.CudaUtils;
import io.github.tpdiff.runtime.engine.HostMemory;
import java.lang.management.MemoryUsage;
import java.util.OptionalLong;

/** What the memory in which a device computes still takes. */
final class DeviceMemory {
  private DeviceMemory() {}

  /**
   * Free bytes of a device's own memory; empty where it computes in the host's, or where CUDA's
   * runtime library, which knows, is not found.
   */
  static OptionalLong free(Device device) {
    if (!device.isGpu() || !CudaUtils.hasCuda()) {
      return OptionalLong.empty();
    }
    JniUtils.emptyCudaCache(); // what PyTorch holds for later is free too
    MemoryUsage memory = CudaUtils.getGpuMemory(device);
    return OptionalLong.of(memory.getMax() - memory.getCommitted());
  }

  /** Free bytes where a manager's arrays lie; 0 where nobody knows. */
  static long available(NDManager manager) {
    Device device = manager.getDevice();
    return device.isGpu() ? free(device).orElse(0) : HostMemory.availableBytes();
  }
}
