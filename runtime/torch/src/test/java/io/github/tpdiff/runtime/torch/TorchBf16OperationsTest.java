package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.reference.OperationContractTest;
import io.github.tpdiff.weights.DType;

class TorchBf16OperationsTest extends OperationContractTest {
  @Override
  protected Engine openEngine() {
    return TorchEngine.cpu().computing(Arithmetic.BF16);
  }

  /** Operands and results of a product are rounded to 8 bits of mantissa: 2e-3 each. */
  @Override
  protected double tolerance(DType stored) {
    return 1e-2;
  }
}
