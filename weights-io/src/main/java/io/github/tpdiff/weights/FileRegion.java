package io.github.tpdiff.weights;

import java.nio.file.Path;

/** Bytes {@code [offset, offset + length)} of a file that hold a tensor's payload plainly. */
public record FileRegion(Path file, long offset, long length) {

  public FileRegion {
    if (offset < 0 || length < 0 || offset + length < 0) {
      throw new CheckpointException(
          "%s: expected a region within the file, found offset %d, length %d"
              .formatted(file, offset, length));
    }
  }
}
