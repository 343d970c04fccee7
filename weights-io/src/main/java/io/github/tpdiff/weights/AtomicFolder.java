package io.github.tpdiff.weights;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;

/**
 * A folder filled under a temporary name beside its own, which {@link #commit()} renames; closing
 * it without a commit deletes it.
 *
 * <p>What a killed process left behind goes when the same name is next written, however large.
 */
public final class AtomicFolder implements AutoCloseable {
  /** Locked by the process that fills the folder, so that others can tell what is abandoned. */
  private static final String LOCK = ".lock";

  private final Path target;
  private final Path temporary;
  private final FileChannel lock;

  private AtomicFolder(Path target, Path temporary, FileChannel lock) {
    this.target = target;
    this.temporary = temporary;
    this.lock = lock;
  }

  /**
   * Starts a folder; missing folders on the way to it are made.
   *
   * @param target what does not exist yet, or an empty folder
   * @throws CheckpointException if it is anything else or cannot be written
   */
  public static AtomicFolder create(Path target) {
    requireFree(target);
    Path parent = target.toAbsolutePath().normalize().getParent();
    if (parent == null) {
      throw new CheckpointException("%s: expected the path of a folder".formatted(target));
    }
    try {
      Files.createDirectories(parent);
      var parts = new PartFiles(target);
      deleteAbandoned(parent, parts);
      Path temporary = Files.createDirectory(parts.next(parent));
      FileChannel lock =
          FileChannel.open(
              temporary.resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      PartFiles.claim(lock);
      return new AtomicFolder(target, temporary, lock);
    } catch (IOException failure) {
      throw failure(target, failure);
    }
  }

  /** Refuses what is neither absent nor an empty folder. */
  static void requireFree(Path target) {
    if (!Files.exists(target)) {
      return;
    }
    if (!Files.isDirectory(target)) {
      throw new CheckpointException(
          "%s: expected a new or empty folder, found a file".formatted(target));
    }
    try (Stream<Path> files = Files.list(target)) {
      if (files.findAny().isPresent()) {
        throw new CheckpointException(
            "%s: expected a new or empty folder, found files in it; delete it or name another"
                .formatted(target));
      }
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(target, AtomicFile.reason(failure)), failure);
    }
  }

  private static void deleteAbandoned(Path parent, PartFiles parts) throws IOException {
    try (DirectoryStream<Path> folders =
        Files.newDirectoryStream(parent, p -> parts.isPart(p) && Files.isDirectory(p))) {
      for (Path folder : folders) {
        if (PartFiles.isUnclaimed(folder.resolve(LOCK))) {
          Folders.delete(folder);
        }
      }
    }
  }

  /** Where the content belongs until the commit. */
  public Path path() {
    return temporary;
  }

  /** Gives the folder its name. */
  public void commit() {
    try {
      lock.close();
      Files.delete(temporary.resolve(LOCK));
      Files.deleteIfExists(target);
      Files.move(temporary, target);
      PartFiles.forceNames(target);
    } catch (IOException failure) {
      throw failure(target, failure);
    }
  }

  @Override
  public void close() {
    try {
      lock.close();
      Folders.delete(temporary);
    } catch (IOException failure) {
      throw failure(target, failure);
    }
  }

  private static CheckpointException failure(Path target, IOException failure) {
    return new CheckpointException(
        "%s: cannot be written: %s".formatted(target, AtomicFile.reason(failure)), failure);
  }
}
