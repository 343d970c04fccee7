package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.picture.PictureGeometry;
import io.github.tpdiff.runtime.picture.PictureLoader;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The pictures that a video is conditioned on, as they are.
 *
 * @param first that it begins with
 * @param last that it ends with
 * @param geometry how they come to the video's size; empty for the model's own way
 */
public record RequestedPictures(
    RgbPicture first, Optional<RgbPicture> last, Optional<PictureGeometry> geometry) {

  /**
   * The pictures of a request, if it has any.
   *
   * @throws IllegalArgumentException if the model takes none or needs more, in one line
   * @throws io.github.tpdiff.weights.CheckpointException if a file cannot be read as a picture
   */
  static Optional<RequestedPictures> of(GenerationRequest request, Flow flow) {
    Optional<Path> first = request.picture();
    Optional<Path> last = request.lastPicture();
    checkArgument(
        first.isEmpty() || !flow.conditions(true).isEmpty(),
        "picture: expected none, which this model does not take, found %s; leave it out",
        first.orElse(Path.of("")));
    checkArgument(
        first.isPresent() || flow.conditions(true).stream().allMatch(Condition::optional),
        "picture: expected one, without which this model makes no video, found none");
    PictureUse.Last taken = flow.pictures().map(PictureUse::last).orElse(PictureUse.Last.NEVER);
    checkArgument(
        last.isEmpty() || taken != PictureUse.Last.NEVER,
        "last_picture: expected none, which this model does not take, found %s; leave it out",
        last.orElse(Path.of("")));
    checkArgument(
        last.isPresent() || taken != PictureUse.Last.ALWAYS,
        "last_picture: expected one, without which this model makes no video, found none");
    checkArgument(
        first.isPresent() || last.isEmpty(),
        "picture: expected the one that the video begins with beside last_picture, found none");
    checkArgument(
        first.isPresent() || request.pictureGeometry().isEmpty(),
        "picture_geometry: expected a picture beside it, found none");
    if (first.isEmpty()) {
      return Optional.empty();
    }
    PictureLoader loader = PictureLoader.get();
    return Optional.of(
        new RequestedPictures(
            loader.load(first.get()), last.map(loader::load), request.pictureGeometry()));
  }

  /**
   * The size of a video that shows the first, of the model's area; none of a model that does not
   * say how.
   *
   * @param stages into which it divides
   */
  Optional<PictureSize> proposedSize(ModelDescription model, StageConfig stages) {
    ModelDescription.Defaults own = model.defaults();
    var multiple =
        new PictureSize(
            model.latents().multiple(stages, GridAxis.WIDTH),
            model.latents().multiple(stages, GridAxis.HEIGHT));
    return model
        .flow()
        .pictures()
        .map(use -> use.size().propose(first.size(), (long) own.height() * own.width(), multiple));
  }

  /** The pictures as a model takes them, for a video of a size. */
  public GivenPictures prepared(Flow flow, VideoSize video) {
    return PicturePreparation.of(flow, geometry).pictures(first, last, video);
  }
}
