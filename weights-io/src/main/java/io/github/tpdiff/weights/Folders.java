package io.github.tpdiff.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Removes folders that are not wanted any more. */
public final class Folders {
  private Folders() {}

  /**
   * Deletes a folder and what is in it, if it is there; links go, not what they lead to.
   *
   * @throws CheckpointException naming the folder, if something in it cannot be deleted
   */
  public static void delete(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be deleted: %s".formatted(folder, AtomicFile.reason(failure)), failure);
    }
  }
}
