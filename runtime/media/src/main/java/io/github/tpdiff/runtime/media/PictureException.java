package io.github.tpdiff.runtime.media;

import java.io.IOException;

/** A picture that is refused; the message says why in one line, and not which file it is. */
final class PictureException extends IOException {
  private static final long serialVersionUID = 1;

  PictureException(String message) {
    super(message);
  }

  /** A file that ends early, or whose parts do not fit together. */
  static PictureException damaged(String kind, String found) {
    return new PictureException(
        "expected a whole %s, found: %s; the file is cut off or damaged".formatted(kind, found));
  }

  /** A file that looks whole and that the decoder refuses: damaged, or of a rare kind. */
  static PictureException undecodable(String kind, String found) {
    return new PictureException(
        "expected a %s that can be decoded, found: %s; save it anew as png"
            .formatted(kind, found.strip().replaceAll("\\s*\\R\\s*", "; ")));
  }
}
