package io.github.tpdiff.runtime.picture;

import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.ServiceLoader;

/**
 * Reads picture files; found through {@link ServiceLoader}, so that only who reads pictures carries
 * a decoder.
 */
public interface PictureReader {
  /**
   * The picture in a file, upright.
   *
   * @throws CheckpointException if it cannot be read as one, in one line
   */
  RgbPicture read(Path file);

  /**
   * The size of the picture in a file, upright, without decoding it.
   *
   * @throws CheckpointException if it cannot be read as one, in one line
   */
  PictureSize size(Path file);

  /**
   * The reader on the class path.
   *
   * @throws CheckpointException if there is none
   */
  static PictureReader get() {
    return ServiceLoader.load(PictureReader.class)
        .findFirst()
        .orElseThrow(
            () ->
                new CheckpointException(
                    "pictures: nothing on the class path reads them; add tpdiff-media"));
  }
}
