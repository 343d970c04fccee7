package io.github.tpdiff.weights;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/**
 * The temporary names of a file that is being written: hidden files beside it, locked by the
 * process that writes them, so that others can tell what a killed one left behind.
 */
final class PartFiles {

  private static final String SUFFIX = ".part";

  /** Longest part of the target's name taken over: file systems allow 255 bytes. */
  private static final int MAX_NAME_CHARS = 50;

  /** Spares files that were just made or handed over: they are being written but not locked. */
  private static final Duration GRACE = Duration.ofMinutes(10);

  private final String prefix;

  PartFiles(Path target) {
    String name = String.valueOf(target.getFileName());
    this.prefix = "." + name.substring(0, Math.min(MAX_NAME_CHARS, name.length())) + ".";
  }

  /** A name that nobody has. */
  Path next(Path folder) {
    return folder.resolve(prefix + UUID.randomUUID() + SUFFIX);
  }

  /** Marks a file as being written, where the file system knows locks. */
  static void claim(FileChannel channel) {
    try {
      channel.tryLock();
    } catch (IOException unsupported) {
      // Then nobody can take it for abandoned either: they get no lock on it.
    }
  }

  /** Whether a file that is not finished lies in a folder. */
  boolean areIn(Path folder) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, this::isPart)) {
      return files.iterator().hasNext();
    }
  }

  /** Deletes what processes left behind that are gone; what cannot be deleted stays. */
  void deleteAbandoned(Path folder) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, this::isPart)) {
      for (Path file : files) {
        if (isUnclaimed(file)) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException unreadable) {
      // Tidying up is not what was asked for: the write itself will say what is wrong.
    }
  }

  /** Whether a path is a temporary name of the target. */
  boolean isPart(Path file) {
    String name = String.valueOf(file.getFileName());
    int uuid = prefix.length() + 36;
    return name.length() == uuid + SUFFIX.length()
        && name.startsWith(prefix)
        && name.endsWith(SUFFIX);
  }

  private static boolean isOld(Path file) throws IOException {
    Instant changed = Files.getLastModifiedTime(file).toInstant();
    return changed.isBefore(Instant.now().minus(GRACE));
  }

  /** Whether a file that a process claims for as long as it lives is old and nobody's. */
  static boolean isUnclaimed(Path file) throws IOException {
    return Files.isRegularFile(file) && isOld(file) && isAbandoned(file);
  }

  private static boolean isAbandoned(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      return lock != null;
    } catch (OverlappingFileLockException ours) {
      return false;
    }
  }

  /** Forces the names in a file's folder to disk, where that is possible. */
  static void forceNames(Path file) {
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null) {
      return;
    }
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException impossible) {
      // Folders cannot be opened everywhere; the file's content is on disk in any case.
    }
  }
}
