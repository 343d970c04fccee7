package io.github.tpdiff.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;

/**
 * A folder into which a library unpacks its native code. Left to themselves some libraries fall
 * back to a folder of a known name that everyone can write to, where others could put code of
 * theirs; here there is no other place than the one named.
 *
 * @param folder made where it is missing, for its owner alone
 * @param use what it is for
 * @param remedy how the user names another
 */
public record NativeFolder(Path folder, String use, String remedy) {
  private static final String DJL = "DJL_CACHE_DIR";
  private static final String JAVACPP = "org.bytedeco.javacpp.cachedir";
  private static final String OWN = "set " + DJL + " to a folder that you can write to";

  /** Less than any of the libraries needs. */
  private static final long LEAST_BYTES = 32L << 20;

  /** Where DJL unpacks PyTorch and the tokenizers. */
  public static NativeFolder djl() {
    return new NativeFolder(
        djlFolder(), "PyTorch and the tokenizers unpack their libraries there", OWN);
  }

  private static Path djlFolder() {
    for (String name : new String[] {"ENGINE_CACHE_DIR", DJL}) {
      String said = System.getProperty(name, System.getenv().getOrDefault(name, ""));
      if (!said.isEmpty()) {
        return Path.of(said);
      }
    }
    return home().resolve(".djl.ai");
  }

  /** Where ffmpeg is unpacked; from now on there alone. */
  public static NativeFolder ffmpeg() {
    if (System.getProperty(JAVACPP) == null) {
      String djl = System.getProperty(DJL, System.getenv().getOrDefault(DJL, ""));
      Path own =
          djl.isEmpty()
              ? home().resolve(".javacpp").resolve("cache")
              : Path.of(djl).resolve("javacpp");
      System.setProperty(JAVACPP, own.toString());
    }
    return new NativeFolder(
        Path.of(System.getProperty(JAVACPP, "")), "ffmpeg unpacks its libraries there", OWN);
  }

  /** Where ONNX Runtime is unpacked, and weights that cannot be mapped are written. */
  public static NativeFolder temporary() {
    return new NativeFolder(
        Path.of(System.getProperty("java.io.tmpdir", ".")),
        "ONNX Runtime unpacks its libraries there",
        "set TMPDIR to a folder that you can write to");
  }

  private static Path home() {
    return Path.of(System.getProperty("user.home", "."));
  }

  /**
   * Finds what keeps native code from being unpacked and loaded.
   *
   * @throws CheckpointException naming the folder, the reason and the remedy
   */
  public void require() {
    try {
      make(folder.toAbsolutePath());
      Path probe = Files.createTempFile(folder, ".tpdiff-", ".probe");
      try {
        // A mounted file system can forbid to run what lies on it, whatever the file's rights.
        if (probe.toFile().setExecutable(true) && !Files.isExecutable(probe)) {
          throw unusable("nothing on its file system may be executed (noexec)", null);
        }
      } finally {
        Files.delete(probe);
      }
    } catch (IOException failure) {
      throw unusable("cannot be written: " + AtomicFile.reason(failure), failure);
    }
    long free = freeBytes();
    if (free < LEAST_BYTES) {
      throw unusable("%d MB are free, too few".formatted(free >> 20), null);
    }
  }

  /**
   * What can still be written there.
   *
   * @throws CheckpointException if the folder cannot be read
   */
  public long freeBytes() {
    try {
      return Files.getFileStore(folder).getUsableSpace();
    } catch (IOException failure) {
      throw unusable("cannot be read: " + AtomicFile.reason(failure), failure);
    }
  }

  /**
   * What a library says when it could not load from here after all.
   *
   * @param library its name
   * @param failure whose first cause says which file is missing, or what of it
   */
  public CheckpointException cannotLoad(String library, Throwable failure) {
    Throwable first = failure;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      first = cause;
    }
    String reason = Objects.requireNonNullElse(first.getMessage(), first.toString());
    return unusable("%s cannot be loaded from it: %s".formatted(library, reason), failure);
  }

  /** The error that this folder is of no use, and what to do. */
  public CheckpointException unusable(
      String reason, @org.jspecify.annotations.Nullable Throwable cause) {
    String message = "%s: %s; %s, so %s".formatted(folder, reason, use, remedy);
    return cause == null
        ? new CheckpointException(message)
        : new CheckpointException(message, cause);
  }

  private static void make(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.createDirectories(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } else {
      Files.createDirectories(folder);
    }
  }
}
