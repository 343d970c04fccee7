package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The conditions that one caption decides.
 *
 * @param file of the cache, named by a hash of the caption and of the text encoders
 */
record CaptionCache(Path file) {
  private static final String CAPTION = "caption";

  boolean exists() {
    return Files.isRegularFile(file);
  }

  /** Writes conditions, each with a batch axis of one. */
  void write(String caption, Map<String, Tensor> conditions) {
    var tensors = MemoryTensors.builder();
    CachedTensors.add(tensors, "", conditions);
    SafetensorsWriter.write(file, tensors.metadata(CAPTION, caption).build());
  }

  /** The conditions, each with a batch axis of one. */
  Map<String, Tensor> read() {
    try (TensorSource source = SafetensorsFile.open(file)) {
      return CachedTensors.read(source, "");
    }
  }
}
