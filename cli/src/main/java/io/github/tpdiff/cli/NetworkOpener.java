package io.github.tpdiff.cli;

import io.github.tpdiff.evaluation.metric.FeatureNetwork;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.onnx.OnnxException;
import io.github.tpdiff.runtime.torch.ScriptedNetwork;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Opens a user's networks: {@code .onnx} on ONNX Runtime, all else as TorchScript.
 *
 * @param device on which they run
 */
record NetworkOpener(OnnxDevice device) implements FeatureNetwork.Opener {
  @Override
  public FeatureNetwork open(Path file) {
    return file.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(".onnx")
        ? openOnnx(file)
        : new Script(EngineOptions.openTorch(device).open(file));
  }

  /** What the runtime refuses here lies in the user's file. */
  private FeatureNetwork openOnnx(Path file) {
    OnnxEngine engine = EngineOptions.openOnnx(device);
    try {
      return new Onnx(engine.open(file));
    } catch (OnnxException refused) {
      throw new CheckpointException(refused.getMessage(), refused);
    }
  }

  private record Onnx(Executable graph) implements FeatureNetwork {
    @Override
    public List<String> inputNames() {
      return graph.inputNames();
    }

    @Override
    public List<Tensor> run(Map<String, Tensor> inputs) {
      try {
        Map<String, Tensor> results = graph.run(inputs);
        return graph.outputNames().stream().map(results::get).toList();
      } catch (OnnxException refused) {
        throw new CheckpointException(refused.getMessage(), refused);
      }
    }

    @Override
    public void close() {
      graph.close();
    }
  }

  private record Script(ScriptedNetwork network) implements FeatureNetwork {
    @Override
    public List<String> inputNames() {
      return network.inputNames();
    }

    @Override
    public List<Tensor> run(Map<String, Tensor> inputs) {
      return network.run(inputs);
    }

    @Override
    public void close() {
      network.close();
    }
  }
}
