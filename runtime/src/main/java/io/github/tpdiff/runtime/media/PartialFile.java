package io.github.tpdiff.runtime.media;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** A file written beside its place and moved there when complete, so that no half one is seen. */
record PartialFile(Path partial, Path target) implements AutoCloseable {

  static PartialFile of(Path target) throws IOException {
    var absolute = target.toAbsolutePath();
    var folder = absolute.getParent();
    if (folder == null) {
      throw new IOException(target + ": expected a file name, found a root folder");
    }
    Files.createDirectories(folder);
    // Not a temporary file of the JDK's making: those are readable by their owner only.
    var name = "." + target.getFileName() + "." + ProcessHandle.current().pid() + ".partial";
    return new PartialFile(folder.resolve(name), absolute);
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
