package io.github.tpdiff.lora.train;

import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Tensors that were trained in full, and the checkpoint that they were trained from. */
public final class FullWeights {
  private FullWeights() {}

  /**
   * Writes trained tensors over the files that they came from. Stopped on the way, it may be done
   * again.
   *
   * @param model whose first denoiser was trained
   * @param trained what the training left
   * @throws CheckpointException if a file cannot be read or written
   */
  public static void writeOver(VideoModel model, Path trained) {
    try (TensorSource values = SafetensorsFile.open(trained)) {
      Component network = TrainingTarget.network(model);
      TensorSource weights = network.weights().overlaid(values);
      filesOf(network)
          .forEach(
              (file, names) ->
                  SafetensorsWriter.write(
                      file, weights.renamed(name -> Optional.of(name).filter(names::contains))));
    }
  }

  /** The tensors of the network by the file they are in. */
  private static Map<Path, Set<String>> filesOf(Component network) {
    var files = new LinkedHashMap<Path, Set<String>>();
    for (String name : network.weights().names()) {
      Path file = network.weights().region(name).orElseThrow().file();
      files.computeIfAbsent(file, f -> new HashSet<>()).add(name);
    }
    return files;
  }
}
