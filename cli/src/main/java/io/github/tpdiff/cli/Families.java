package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.pipeline.ModelFamily;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The model families on the class path. */
public final class Families {
  private Families() {}

  /**
   * Opens a checkpoint folder of whichever family it is.
   *
   * @throws CheckpointException if it belongs to none
   */
  public static VideoModel open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new CheckpointException(
          "%s: expected a checkpoint folder, found %s"
              .formatted(folder, Files.exists(folder) ? "a file" : "nothing"));
    }
    return ModelFamily.all().stream()
        .filter(family -> family.recognises(folder))
        .findFirst()
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: no checkpoint of a known family (%s); expected a folder as published on"
                            .formatted(
                                folder, ModelFamily.all().stream().map(ModelFamily::name).toList())
                        + " the Hugging Face hub"))
        .open(folder);
  }
}
