package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.text.HuggingFaceTokenizer;
import io.github.tpdiff.runtime.text.Tokenizer;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Opens a checkpoint's tokenizer together with what its ids are for. */
public final class PromptTokenizer {
  private PromptTokenizer() {}

  /**
   * The tokenizer of a folder.
   *
   * @param encoder that the ids are for, where the checkpoint has one
   * @param table the encoder's weight with a row for every id
   * @throws CheckpointException if it cannot be read, or has ids that the encoder has no row for
   */
  public static Tokenizer open(Path folder, Optional<Component> encoder, String table) {
    long rows =
        encoder
            .flatMap(component -> Optional.ofNullable(component.program().weights().get(table)))
            .map((Value weight) -> weight.dim(0).value())
            .orElse(Long.MAX_VALUE);
    try {
      return HuggingFaceTokenizer.open(folder, rows);
    } catch (IOException e) {
      throw new CheckpointException(String.valueOf(e.getMessage()), e);
    }
  }
}
