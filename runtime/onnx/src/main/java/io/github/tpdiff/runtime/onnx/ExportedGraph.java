package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import java.util.List;
import java.util.Map;

/** A graph that a file brings: what the runtime cannot do with it is the file's fault. */
record ExportedGraph(Executable graph) implements Executable {
  static final String REMEDY = "; export the model again";

  @Override
  public List<String> inputNames() {
    return graph.inputNames();
  }

  @Override
  public List<String> outputNames() {
    return graph.outputNames();
  }

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> inputs) {
    try {
      return graph.run(inputs);
    } catch (OnnxException damaged) {
      throw new CheckpointException(damaged.getMessage() + REMEDY, damaged);
    }
  }

  @Override
  public Executable bind(Map<String, Tensor> others) {
    return new ExportedGraph(graph.bind(others));
  }

  @Override
  public Executable until(Cancellation cancellation) {
    return new ExportedGraph(graph.until(cancellation));
  }

  @Override
  public void close() {
    graph.close();
  }
}
