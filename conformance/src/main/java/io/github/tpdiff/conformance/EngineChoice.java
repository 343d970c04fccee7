package io.github.tpdiff.conformance;

import io.github.tpdiff.cli.EngineOptions;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import java.util.LinkedHashMap;
import java.util.function.Supplier;

/** Which engines compute the cases. */
enum EngineChoice {
  TORCH,
  ONNX,
  ALL;

  EngineSet open(OnnxDevice device) {
    var engines = new LinkedHashMap<String, Supplier<Engine>>();
    if (this != ONNX) {
      engines.put("torch", () -> EngineOptions.openTorch(device));
    }
    if (this != TORCH) {
      engines.put("onnx", () -> EngineOptions.openOnnx(device));
    }
    return new EngineSet(engines);
  }
}
