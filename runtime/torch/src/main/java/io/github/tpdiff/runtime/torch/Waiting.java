package io.github.tpdiff.runtime.torch;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.HashMap;
import java.util.Map;

/** Where the values between segments wait for the backward pass. */
enum Waiting {
  /** On the device that made them. */
  THERE,
  /** In the host's memory. */
  ON_THE_HOST;

  /** What is to wait of a value that the forward pass reads no more, in its place. */
  NDArray leave(NDArray value) {
    if (this == THERE) {
      return value;
    }
    try (value) {
      return copy(value, Device.cpu(), value.getManager());
    }
  }

  /** Values that waited, or copies of them on the device that belong to {@code scope}. */
  Map<String, NDArray> fetch(Map<String, NDArray> waiting, NDManager scope) {
    if (this == THERE) {
      return waiting;
    }
    var there = new HashMap<String, NDArray>();
    waiting.forEach((name, array) -> there.put(name, copy(array, scope.getDevice(), scope)));
    return there;
  }

  /** Also where both are the same memory, so that it is the same way everywhere. */
  private static NDArray copy(NDArray array, Device device, NDManager owner) {
    NDArray copy =
        array.getDevice().equals(device) ? array.duplicate() : array.toDevice(device, true);
    copy.attach(owner);
    return copy;
  }
}
