package io.github.tpdiff.runtime.media;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** A file written beside its place and moved there when complete, so that no half one is seen. */
record PartialFile(Path partial, Path target) implements AutoCloseable {

  static PartialFile of(Path target) throws IOException {
    var name = target.getFileName().toString();
    var folder = target.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IOException(target + ": expected a file name, found a root folder");
    }
    Files.createDirectories(folder);
    return new PartialFile(
        Files.createTempFile(folder, "." + name, ".partial"), target.toAbsolutePath());
  }

  void commit() throws IOException {
    Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Removes what was not committed. */
  @Override
  public void close() throws IOException {
    Files.deleteIfExists(partial);
  }
}
