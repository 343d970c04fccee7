package io.github.tpdiff.runtime.media;

import java.io.IOException;

/** A picture that is refused; the message says why in one line, and not which file it is. */
final class PictureException extends IOException {
  private static final long serialVersionUID = 1;

  PictureException(String message) {
    super(message);
  }

  PictureException(String message, Throwable cause) {
    super(message, cause);
  }

  /** A file that ends early, or whose parts do not fit together. */
  static PictureException damaged(String kind, String found) {
    return new PictureException(
        "expected a whole %s, found: %s; the file is cut off or damaged".formatted(kind, found));
  }

  /** The same for what a decoder says. */
  static PictureException damaged(String kind, Throwable failure) {
    String found = String.valueOf(failure.getMessage()).strip().replaceAll("\\s*\\R\\s*", "; ");
    return new PictureException(damaged(kind, found).getMessage(), failure);
  }
}
