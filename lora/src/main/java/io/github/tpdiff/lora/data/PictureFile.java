package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.media.PictureReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Files of pictures of a data set. */
final class PictureFile {
  /** Endings, the one first that counts where a video has several pictures beside it. */
  static final List<String> ENDINGS = List.of("png", "jpg", "jpeg", "webp");

  private PictureFile() {}

  /** What is wrong with a picture that is to be read, in a line; nothing if nothing is. */
  static Optional<String> fault(Path file) {
    try {
      PictureReader.read(file);
      return Optional.empty();
    } catch (IOException unreadable) {
      return Optional.of("its picture: " + unreadable.getMessage());
    }
  }
}
