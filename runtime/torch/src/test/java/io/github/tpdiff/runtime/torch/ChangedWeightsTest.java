package io.github.tpdiff.runtime.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChangedWeightsTest {
  @TempDir Path folder;

  @Test
  void aCheckpointCutShortBetweenPasses_isNamedByTheNext() throws IOException {
    Path file = folder.resolve("weights.safetensors");
    SafetensorsWriter.write(
        file, MemoryTensors.builder().addFloats("table", List.of(4L, 8L), new float[32]).build());
    var gathered = Value.weight("table", 4, 8).gather(Value.indexInput("ids", "n"));
    var program = new Program("g", List.of(Graph.of("g", "y", gathered)), List.of("y"));
    var inputs = Map.of("ids", Tensor.ofLongs(new long[] {3}, 1));
    try (var weights = Checkpoint.open(file);
        var executable = TorchEngine.cpu().load(program, weights)) {
      assertThat(executable.run(inputs)).containsKey("y");
      try (var open = new RandomAccessFile(file.toFile(), "rw")) {
        open.setLength(50);
      }
      assertThatThrownBy(() -> executable.run(inputs))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(file + ": changed while in use");
    }
  }
}
