package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.picture.PictureReader;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Files;
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
    if (!Files.isRegularFile(file)) {
      return Optional.of("its picture: expected a file, found none: " + file);
    }
    try {
      PictureReader.get().size(file);
      return Optional.empty();
    } catch (CheckpointException unreadable) {
      return Optional.of("its picture: " + unreadable.getMessage());
    }
  }
}
