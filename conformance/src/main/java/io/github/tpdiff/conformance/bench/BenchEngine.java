package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.ExportRequest;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.torch.Arithmetic;
import io.github.tpdiff.runtime.torch.TorchEngine;
import java.nio.file.Path;
import java.util.Locale;

/**
 * An engine with the parts of a model ready for it: torch lowers the model, ONNX opens an export.
 */
record BenchEngine(Name name, Engine engine, PipelineParts parts) implements AutoCloseable {
  /** The engines there are. */
  enum Name {
    TORCH,
    ONNX;

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * Opens an engine.
   *
   * @param exports where a folder may be exported to
   * @param arithmetic of torch
   */
  static BenchEngine open(Name name, VideoModel model, Path exports, Arithmetic arithmetic) {
    if (name == Name.TORCH) {
      Engine torch = TorchEngine.best().computing(arithmetic);
      return new BenchEngine(name, torch, PipelineParts.of(model, torch));
    }
    Path folder = exports.resolve("exported");
    ExportedFolder.write(
        model, folder, ExportRequest.asTrained().withWeights(ExportRequest.Weights.IN_PLACE));
    OnnxEngine onnx = OnnxEngine.on(OnnxDevice.AUTO);
    return new BenchEngine(name, onnx, ExportedFolder.open(folder, onnx));
  }

  @Override
  public void close() {
    parts.close();
    engine.close();
  }
}
