package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.weights.DType;

/**
 * How a program is written as a graph.
 *
 * @param flavour the operators that it may use
 * @param products the type that products are computed in, see {@link ReducedProducts}: F32, F16 or
 *     BF16
 * @param adaptable what LoRAs can change of it at run time
 */
record GraphForm(OnnxFlavour flavour, DType products, Adaptable adaptable) {
  /** Of a graph that is run as it is. */
  GraphForm(OnnxFlavour flavour, DType products) {
    this(flavour, products, Adaptable.nothing());
  }

  /** All of it in fp32. */
  static GraphForm inFp32(OnnxFlavour flavour) {
    return new GraphForm(flavour, DType.F32);
  }

  boolean fused() {
    return flavour == OnnxFlavour.FUSED;
  }

  /** Whether there are two types of numbers. */
  boolean isMixed() {
    return products != DType.F32;
  }
}
