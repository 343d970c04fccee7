package io.github.tpdiff.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/** Removes folders that are not wanted any more. */
public final class Folders {
  private Folders() {}

  /** The outermost folder that is not there, of those on the way to a file. */
  public static Optional<Path> firstMissing(Path file) {
    Optional<Path> missing = Optional.empty();
    for (Path folder = file.toAbsolutePath().getParent();
        folder != null && !Files.exists(folder);
        folder = folder.getParent()) {
      missing = Optional.of(folder);
    }
    return missing;
  }

  /** Deletes a folder and those in it as far as they are empty. */
  public static void deleteEmpty(Path folder) {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path child :
          files.filter(Files::isDirectory).sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(child);
      }
    } catch (IOException inUse) {
      // Something else lies in it: it stays.
    }
  }

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
