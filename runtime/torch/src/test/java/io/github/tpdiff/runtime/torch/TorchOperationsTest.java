package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.reference.OperationContractTest;

class TorchOperationsTest extends OperationContractTest {
  @Override
  protected Engine openEngine() {
    return TorchEngine.cpu();
  }
}
