package io.github.tpdiff.weights.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"merged", "merged.bin", "merged.pt", "merged.safetensors.backup"})
  void safetensorsOfAnotherName_areReadByTheirContent(String name) {
    Path file = folder.resolve(name);
    SafetensorsWriter.write(
        file, MemoryTensors.builder().addFloats("weight", List.of(2L), 1, 2).build());
    try (TensorSource source = Checkpoint.open(file)) {
      assertThat(source.floats("weight")).containsExactly(1, 2);
    }
  }
}
