package io.github.tpdiff.runtime.onnx;

/** Where ONNX Runtime is asked to run. */
public enum OnnxDevice {
  CPU,
  /** The first NVIDIA GPU; opening the engine fails if it cannot be used. */
  CUDA,
  /** CUDA if it works, else the CPU, with the reason logged. */
  AUTO
}
