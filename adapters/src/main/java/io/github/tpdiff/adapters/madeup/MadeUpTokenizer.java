package io.github.tpdiff.adapters.madeup;

import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A tokenizer of a {@link MadeUpCheckpoint}.
 *
 * @param folder in the published layout, such as {@code tokenizer}
 * @param encoder folder of the text encoder that it is written with
 * @param files writes what is in the folder
 */
public record MadeUpTokenizer(String folder, String encoder, Files files) {
  /** Writes a tokenizer's folder. */
  @FunctionalInterface
  public interface Files {
    void write(Path folder) throws IOException;
  }

  /** The tokenizer of a checkpoint with one text encoder. */
  public static MadeUpTokenizer only(Files files) {
    return new MadeUpTokenizer("tokenizer", "text_encoder", files);
  }

  void write(Path root) {
    Path place = root.resolve(folder);
    try {
      files.write(place);
    } catch (IOException e) {
      throw new CheckpointException(place + ": cannot be written: " + e.getMessage(), e);
    }
  }
}
