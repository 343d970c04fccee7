package io.github.tpdiff.runtime.onnx;

/** ONNX Runtime refused to open or run a graph. */
public final class OnnxException extends RuntimeException {
  OnnxException(String message, Throwable cause) {
    super(message, cause);
  }
}
