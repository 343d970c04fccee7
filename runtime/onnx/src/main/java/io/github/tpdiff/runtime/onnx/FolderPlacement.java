package io.github.tpdiff.runtime.onnx;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Files beside the graphs of an exported folder, so that the folder can be moved as a whole. */
final class FolderPlacement implements WeightStore.Placement {
  private final Path folder;
  private final ExportRequest.Weights weights;

  /** Links made, by the file they lead to; empty where none can be made. */
  private final Map<Path, Optional<String>> links = new HashMap<>();

  FolderPlacement(Path folder, ExportRequest.Weights weights) {
    this.folder = folder;
    this.weights = weights;
  }

  @Override
  public Optional<String> locate(Path file) {
    return weights == ExportRequest.Weights.COPY
        ? Optional.empty()
        : links.computeIfAbsent(file, this::makeLink);
  }

  private Optional<String> makeLink(Path file) {
    String wanted = String.valueOf(file.getFileName());
    String name = wanted;
    for (int i = 1; name.equals(WeightStore.FILE) || Files.exists(folder.resolve(name)); i++) {
      name = i + "-" + wanted;
    }
    try {
      // To the file itself: the runtime refuses symbolic links that leave the folder.
      Files.createLink(folder.resolve(name), file.toRealPath());
      return Optional.of(name);
    } catch (IOException | UnsupportedOperationException impossible) {
      return Optional.empty();
    }
  }

  @Override
  public String locateCopies(Path file) {
    return String.valueOf(file.getFileName());
  }
}
