package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A denoiser's graph of an earlier version, which is not told where rows and columns are but counts
 * them: other positions than 0, 1, 2, … are refused.
 */
record CountingGraph(Path file, Executable graph) implements Executable {
  private static final List<String> COUNTED = List.of(NetworkInputs.ROWS, NetworkInputs.COLUMNS);

  /** Whether a graph is one. Later versions say which positions they read. */
  static boolean is(Path file, List<String> inputs) {
    return inputs.contains(NetworkInputs.POSITIONS)
        && !inputs.containsAll(COUNTED)
        && GraphFile.read(file).property(GraphNotes.POSITIONS).isEmpty();
  }

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
    for (String name : COUNTED) {
      Tensor positions = inputs.get(name);
      if (positions != null) {
        requireCounted(name, positions.toFloatArray());
      }
    }
    return graph.run(inputs);
  }

  private void requireCounted(String name, float[] positions) {
    for (int i = 0; i < positions.length; i++) {
      if (positions[i] != i) {
        throw new CheckpointException(
            "%s: written by an earlier version, whose rows and columns are at 0, 1, 2, ...: %s:"
                    .formatted(file, name)
                + " expected %s, found %s%s"
                    .formatted(i, (int) positions[i], ExportedGraph.REMEDY));
      }
    }
  }

  @Override
  public Executable bind(Map<String, Tensor> fixed) {
    return new CountingGraph(file, graph.bind(fixed));
  }

  @Override
  public Executable until(Cancellation cancellation) {
    return new CountingGraph(file, graph.until(cancellation));
  }

  @Override
  public void close() {
    graph.close();
  }
}
