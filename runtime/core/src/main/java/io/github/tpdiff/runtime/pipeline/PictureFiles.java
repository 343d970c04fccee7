package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PictureUse;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The files of the pictures that a video is conditioned on.
 *
 * @param first that it begins with
 * @param last that it ends with
 */
public record PictureFiles(Path first, Optional<Path> last) {

  /**
   * The files of a request, if it has any.
   *
   * @throws IllegalArgumentException if the model takes none or needs more, in one line
   */
  static Optional<PictureFiles> of(GenerationRequest request, Flow flow) {
    Optional<Path> first = request.picture();
    Optional<Path> last = request.lastPicture();
    checkArgument(
        first.isEmpty() || !flow.conditions(true).isEmpty(),
        "picture: this model is told of none, found %s",
        first.orElse(Path.of("")));
    checkArgument(
        first.isPresent() || flow.conditions(true).stream().allMatch(Condition::optional),
        "picture: expected one, without which this model makes no video, found none");
    PictureUse.Last taken = flow.pictures().map(PictureUse::last).orElse(PictureUse.Last.NEVER);
    checkArgument(
        last.isEmpty() || taken != PictureUse.Last.NEVER,
        "last_picture: this model is told of none, found %s",
        last.orElse(Path.of("")));
    checkArgument(
        last.isPresent() || taken != PictureUse.Last.ALWAYS,
        "last_picture: expected one, without which this model makes no video, found none");
    checkArgument(
        first.isPresent() || last.isEmpty(),
        "picture: expected the one that the video begins with beside last_picture, found none");
    return first.map(file -> new PictureFiles(file, last));
  }
}
