package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.reference.OperationContractTest;

class FusedOperationsTest extends OperationContractTest {
  @Override
  protected Engine openEngine() {
    return OnnxEngine.on(OnnxDevice.CPU, OnnxFlavour.FUSED);
  }
}
