package io.github.tpdiff.runtime.picture;

import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.ServiceLoader;

/**
 * Reads picture files; found through {@link ServiceLoader}, so that a program without pictures
 * carries no decoders.
 */
public interface PictureLoader {
  /**
   * The picture in a file, upright.
   *
   * @throws CheckpointException if there is none, or it is of another kind, damaged or too large,
   *     in one line that names the file
   */
  RgbPicture load(Path file);

  /**
   * The loader on the class path.
   *
   * @throws CheckpointException if there is none
   */
  static PictureLoader get() {
    return ServiceLoader.load(PictureLoader.class)
        .findFirst()
        .orElseThrow(
            () ->
                new CheckpointException(
                    "pictures: nothing on the class path reads them; add tpdiff-runtime-media"));
  }
}
