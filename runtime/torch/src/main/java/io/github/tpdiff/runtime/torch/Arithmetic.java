package io.github.tpdiff.runtime.torch;

/**
 * In which numbers matrix products, convolutions and attention are computed. Everything between
 * them (norms, activations, modulation, the residual stream) is fp32 in either.
 */
public enum Arithmetic {
  FP32,
  /**
   * As mixed-precision trainers compute: operands are rounded to bf16, sums are kept in fp32 by the
   * hardware. On a GPU with tensor cores about ten times as fast; on most CPUs slower.
   */
  BF16
}
