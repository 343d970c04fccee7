package io.github.tpdiff.runtime.onnx;

/** Which operators a lowered graph may use. */
public enum OnnxFlavour {
  /**
   * ONNX Runtime's own {@code com.microsoft} operators where they are faster or need less memory:
   * attention without the matrix of all pairs, rotary embedding in one node.
   */
  FUSED,
  /** Operators of the ONNX standard only, opset 23. */
  STANDARD
}
