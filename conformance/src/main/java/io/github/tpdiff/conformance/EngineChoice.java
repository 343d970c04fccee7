package io.github.tpdiff.conformance;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.torch.TorchEngine;
import java.util.LinkedHashMap;
import java.util.function.Supplier;

/** Which engines compute the cases; on the CPU, where their references were computed. */
enum EngineChoice {
  TORCH,
  ONNX,
  ALL;

  EngineSet open() {
    var engines = new LinkedHashMap<String, Supplier<Engine>>();
    if (this != ONNX) {
      engines.put("torch", TorchEngine::cpu);
    }
    if (this != TORCH) {
      engines.put("onnx", () -> OnnxEngine.on(OnnxDevice.CPU));
    }
    return new EngineSet(engines);
  }
}
