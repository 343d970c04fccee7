package io.github.tpdiff.lora.data;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A video or picture of a data set.
 *
 * @param file the video, or a picture, which is a clip of one frame
 * @param caption what it shows; empty if none was found
 * @param picture a file that shows what it begins with; empty if none was found
 */
public record SourceVideo(Path file, Optional<String> caption, Optional<Path> picture) {
  /** Whether it is a picture, by the ending of its name. */
  public boolean isPicture() {
    return PictureFile.ENDINGS.contains(SourceFolder.ending(file));
  }
}
