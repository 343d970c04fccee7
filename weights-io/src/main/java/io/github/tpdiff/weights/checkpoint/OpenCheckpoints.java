package io.github.tpdiff.weights.checkpoint;

import io.github.tpdiff.weights.TensorSource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The checkpoints of a model, opened and closed together. */
public final class OpenCheckpoints implements AutoCloseable {

  private final Map<Path, TensorSource> sources = new LinkedHashMap<>();

  private OpenCheckpoints() {}

  /**
   * Opens what {@link CheckpointFiles} finds.
   *
   * @throws io.github.tpdiff.weights.CheckpointException when there is none or one is damaged
   */
  public static OpenCheckpoints in(Path path) {
    OpenCheckpoints opened = new OpenCheckpoints();
    try {
      for (Path file : CheckpointFiles.in(path)) {
        opened.sources.put(file, Checkpoint.open(file));
      }
      return opened;
    } catch (RuntimeException failure) {
      opened.close();
      throw failure;
    }
  }

  /** The tensors by file. */
  public Map<Path, TensorSource> byFile() {
    return Collections.unmodifiableMap(sources);
  }

  @Override
  public void close() {
    new ArrayList<>(sources.values()).forEach(TensorSource::close);
  }
}
