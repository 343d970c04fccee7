package io.github.tpdiff.weights.checkpoint;

import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds every checkpoint of a model that lies in a folder and its direct subfolders. */
public final class CheckpointFiles {

  private CheckpointFiles() {}

  /**
   * The files to open: the file itself, or what the folder and its subfolders hold; one for each
   * sharded checkpoint, and the preferred one where a folder has the same weights in several forms.
   *
   * @throws CheckpointException when there is none
   */
  public static List<Path> in(Path path) {
    List<Path> files = find(path);
    if (files.isEmpty()) {
      throw new CheckpointException(
          "%s: no checkpoint in this folder or its subfolders".formatted(path));
    }
    return files;
  }

  /** The same; perhaps none. */
  public static List<Path> find(Path path) {
    if (!Files.isDirectory(path)) {
      return List.of(path);
    }
    List<Path> files = new ArrayList<>(directlyIn(path));
    for (Path child : FolderFiles.list(path)) {
      if (Files.isDirectory(child)) {
        files.addAll(directlyIn(child));
      }
    }
    return List.copyOf(files);
  }

  /** Those of a folder without its subfolders; perhaps none. */
  public static List<Path> directlyIn(Path folder) {
    return FolderFiles.in(folder).all();
  }
}
