package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.video.VideoClip;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The pictures that a model is told of a clip.
 *
 * @param clip whose frames they are
 * @param file of the picture that it begins with; its own first frame if empty
 * @param last whether its last frame is told too
 */
public record ClipPictures(VideoClip clip, Optional<Path> file, boolean last) {
  /** Those of a smaller video of the clip. */
  ClipPictures coarser(GridFactor strides) {
    return new ClipPictures(
        clip.coarser(strides.time(), strides.height(), strides.width()), file, last);
  }
}
