package io.github.tpdiff.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds, before hours of work, whether what they make can be written; leaves nothing behind. */
public final class WritablePlace {
  private WritablePlace() {}

  /**
   * A file that is there or can be made, missing folders included.
   *
   * @throws CheckpointException if it is a folder or cannot be written, with the reason
   */
  public static void requireFile(Path file) {
    if (Files.isDirectory(file)) {
      throw new CheckpointException(
          "%s: expected the path of a file, found a folder".formatted(file));
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null) {
      throw new CheckpointException("%s: expected the path of a file".formatted(file));
    }
    requireWritable(file, folder);
  }

  /**
   * A folder that is there or can be made.
   *
   * @throws CheckpointException if it is a file or nothing can be written into it
   */
  public static void requireFolder(Path folder) {
    requireWritable(folder, folder.toAbsolutePath());
  }

  /**
   * A folder that is not there, or empty.
   *
   * @throws CheckpointException if it is anything else or cannot be made
   */
  public static void requireNewFolder(Path folder) {
    AtomicFolder.requireFree(folder);
    Path parent = folder.toAbsolutePath().normalize().getParent();
    if (parent == null) {
      throw new CheckpointException("%s: expected the path of a folder".formatted(folder));
    }
    requireWritable(folder, parent);
  }

  /** Tries it: rights, read-only file systems and full ones have nothing else in common. */
  private static void requireWritable(Path target, Path folder) {
    Path there = folder;
    while (!Files.exists(there) && there.getParent() != null) {
      there = there.getParent();
    }
    if (!Files.isDirectory(there)) {
      throw new CheckpointException(
          "%s: cannot be written: expected a folder, found a file: %s".formatted(target, there));
    }
    try {
      Files.delete(Files.createTempFile(there, ".tpdiff-", ".part"));
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be written: %s".formatted(target, AtomicFile.reason(failure)), failure);
    }
  }
}
