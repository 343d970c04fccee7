package io.github.tpdiff.runtime.media;

import java.io.IOException;
import java.nio.file.Path;

/** A video that ends or breaks before its last frame. */
public final class DamagedVideoException extends IOException {
  private static final long serialVersionUID = 1L;

  private final int readableFrames;

  DamagedVideoException(Path file, int readableFrames, String expectedAndFound) {
    super(
        "%s: %s; %d frames were readable; replace the file or leave it out"
            .formatted(file, expectedAndFound, readableFrames));
    this.readableFrames = readableFrames;
  }

  /** Number of frames that can be read before the damage. */
  public int readableFrames() {
    return readableFrames;
  }
}
