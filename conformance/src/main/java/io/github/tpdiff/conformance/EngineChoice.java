package io.github.tpdiff.conformance;

import io.github.tpdiff.runtime.engine.Engine;
import java.util.LinkedHashMap;
import java.util.function.Supplier;

/** Which engines compute the cases. */
enum EngineChoice {
  TORCH,
  ONNX,
  ALL;

  EngineSet open() {
    var engines = new LinkedHashMap<String, Supplier<Engine>>();
    return new EngineSet(engines);
  }
}
