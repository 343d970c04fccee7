package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.text.HuggingFaceTokenizer;
import io.github.tpdiff.runtime.text.Tokenizer;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The tokenizers of a model by the names of their folders, each opened when it is first asked for.
 */
public final class Tokenizers implements AutoCloseable {
  private final Map<String, Files> files;
  private final Map<String, Tokenizer> open = new HashMap<>();

  /**
   * Where a tokenizer lies.
   *
   * @param folder of its files
   * @param ids how many of them there are embeddings for
   */
  public record Files(Path folder, long ids) {}

  public Tokenizers(Map<String, Files> files) {
    this.files = Map.copyOf(files);
  }

  /** No tokenizers. */
  public static Tokenizers none() {
    return new Tokenizers(Map.of());
  }

  /**
   * A tokenizer, which stays open until all are closed.
   *
   * @throws CheckpointException if there is none of that name, it cannot be read, or it has ids
   *     that there are no embeddings for
   */
  public synchronized Tokenizer get(String name) {
    return open.computeIfAbsent(name, this::openNew);
  }

  private Tokenizer openNew(String name) {
    Files found = files.get(name);
    if (found == null) {
      throw new CheckpointException(
          "%s: the model has no such tokenizer, only %s".formatted(name, files.keySet()));
    }
    try {
      return HuggingFaceTokenizer.open(found.folder(), found.ids());
    } catch (IOException failure) {
      throw new CheckpointException(String.valueOf(failure.getMessage()), failure);
    }
  }

  /** The folders of tokenizer files by name. */
  public Map<String, Path> folders() {
    var folders = new HashMap<String, Path>();
    files.forEach((name, found) -> folders.put(name, found.folder()));
    return folders;
  }

  @Override
  public synchronized void close() {
    open.values().forEach(Tokenizer::close);
    open.clear();
  }
}
