package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * One caption's embedding, without the zero rows that fill it up.
 *
 * @param file of the cache, named by a hash of the caption and of the text encoder
 */
record CaptionCache(Path file) {
  private static final String EMBEDDING = "encoder_hidden_states";
  private static final String LENGTH = "length";
  private static final String CAPTION = "caption";

  boolean exists() {
    return Files.isRegularFile(file);
  }

  /** Writes an embedding [1, length, d]. */
  void write(String caption, Tensor embedding) {
    long length = embedding.shape()[1];
    int width = Math.toIntExact(embedding.shape()[2]);
    float[] values = embedding.toFloatArray();
    int rows = Math.toIntExact(length);
    while (rows > 1 && isZero(values, (rows - 1) * width, width)) {
      rows--;
    }
    SafetensorsWriter.write(
        file,
        MemoryTensors.builder()
            .addFloats(
                EMBEDDING, List.of((long) rows, (long) width), Arrays.copyOf(values, rows * width))
            .metadata(LENGTH, Long.toString(length))
            .metadata(CAPTION, caption)
            .build());
  }

  private static boolean isZero(float[] values, int from, int count) {
    for (int i = from; i < from + count; i++) {
      if (values[i] != 0) {
        return false;
      }
    }
    return true;
  }

  /** The embedding [1, length, d]. */
  Tensor read() {
    try (TensorSource source = SafetensorsFile.open(file)) {
      TensorInfo info = source.require(EMBEDDING);
      int length = Integer.parseInt(source.metadata().getOrDefault(LENGTH, "0"));
      int width = Math.toIntExact(info.shape().get(1));
      return Tensor.ofFloats(
          Arrays.copyOf(source.floats(EMBEDDING), Math.multiplyExact(length, width)),
          1,
          length,
          width);
    }
  }
}
