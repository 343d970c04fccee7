package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.picture.PictureSize;
import java.util.Optional;

/**
 * What is asked of a video's size; what is left open is the model's default.
 *
 * @param width pixels
 * @param height pixels
 * @param frames pixel frames
 * @param fps frames per second of the file
 */
public record VideoChoice(
    Optional<Integer> width,
    Optional<Integer> height,
    Optional<Integer> frames,
    Optional<Double> fps) {

  /** Everything as the model has it. */
  public static VideoChoice open() {
    return new VideoChoice(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** All that a size says. */
  public static VideoChoice of(VideoSize size) {
    return new VideoChoice(
        Optional.of(size.width()),
        Optional.of(size.height()),
        Optional.of(size.frames()),
        Optional.of(size.fps()));
  }

  /** The same with sides. */
  VideoChoice withSides(PictureSize sides) {
    return new VideoChoice(Optional.of(sides.width()), Optional.of(sides.height()), frames, fps);
  }

  /** What this says, and what another says where this leaves it open. */
  public VideoChoice over(VideoChoice other) {
    return new VideoChoice(
        width.or(other::width),
        height.or(other::height),
        frames.or(other::frames),
        fps.or(other::fps));
  }

  /**
   * What it comes to with a model.
   *
   * @param stages in which the video is made: what is left open is the most up to the model's
   *     default that divides into them
   */
  public VideoSize of(ModelDescription model, StageConfig stages) {
    ModelDescription.Defaults own = model.defaults();
    return new VideoSize(
        height.orElseGet(() -> side(model, stages, GridAxis.HEIGHT, own.height())),
        width.orElseGet(() -> side(model, stages, GridAxis.WIDTH, own.width())),
        frames.orElseGet(() -> model.latents().framesFor(stages, own.frames())),
        fps.orElse(own.fps()));
  }

  private static int side(ModelDescription model, StageConfig stages, GridAxis axis, int most) {
    return stages.largestStrides().along(axis) == 1
        ? most
        : model.latents().sideFor(stages, axis, most);
  }
}
