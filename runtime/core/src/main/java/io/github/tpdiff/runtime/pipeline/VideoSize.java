package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.video.VideoFormat;

/**
 * Size and rate of a video.
 *
 * @param height pixels
 * @param width pixels
 * @param frames pixel frames
 * @param fps frames per second
 */
public record VideoSize(int height, int width, int frames, double fps) {
  /**
   * @throws IllegalArgumentException if a value is not positive or the rate above {@link
   *     VideoFormat#MOST_FPS}
   */
  public VideoSize {
    checkArgument(
        height >= 1 && width >= 1 && frames >= 1,
        "size: expected at least one frame and pixel, found %s frames of %s x %s",
        frames,
        width,
        height);
    checkArgument(
        fps > 0 && fps <= VideoFormat.MOST_FPS,
        "fps: expected more than 0 and at most " + VideoFormat.MOST_FPS + ", found %s",
        fps);
  }

  /** What a model generates when the user does not say. */
  public static VideoSize of(ModelDescription.Defaults defaults) {
    return new VideoSize(defaults.height(), defaults.width(), defaults.frames(), defaults.fps());
  }

  /** The size of {@link io.github.tpdiff.runtime.video.VideoClip#coarser} by strides. */
  public VideoSize coarser(GridFactor strides) {
    return new VideoSize(
        height / strides.height(),
        width / strides.width(),
        (frames + strides.time() - 1) / strides.time(),
        fps / strides.time());
  }

  /**
   * The latents of one video of this size.
   *
   * @throws IllegalArgumentException if the model has no latents of exactly this size, or they do
   *     not divide into the stages; the nearest sizes that do are named
   */
  public LatentShape latentShape(ModelDescription.Latents geometry, StageConfig stages) {
    requireMultiple(GridAxis.HEIGHT, height, geometry, stages);
    requireMultiple(GridAxis.WIDTH, width, geometry, stages);
    int latentFrames = geometry.latentFrames(frames);
    checkArgument(
        latentFrames <= geometry.maxFrames(),
        "frames: at most %s, whose positions this model can tell apart, found %s",
        geometry.frames(geometry.maxFrames()),
        frames);
    if (geometry.frames(latentFrames) != frames
        || !(stages.fits(latentFrames) || stages.isStill(latentFrames))) {
      throw new IllegalArgumentException(
          "frames: "
              + frames
              + " do not fit this model"
              + (stages.stages() > 1 ? " in stages with rates " + stages.rates() : "")
              + "; "
              + nearest(geometry, stages));
    }
    return new LatentShape(
        1,
        geometry.channels(),
        latentFrames,
        height / geometry.spatialFactor(),
        width / geometry.spatialFactor());
  }

  private static void requireMultiple(
      GridAxis axis, int value, ModelDescription.Latents geometry, StageConfig stages) {
    int own = geometry.sizeMultiple();
    int all = geometry.multiple(stages, axis);
    if (value % all == 0) {
      return;
    }
    int below = value / all * all;
    String use = below == 0 ? "" + all : below + " or " + (below + all);
    String name = Words.of(axis);
    if (value % own != 0) {
      throw new IllegalArgumentException(
          "%s: expected a multiple of %d, found %d; use %s".formatted(name, own, value, use));
    }
    int number = 1;
    int stride = 1;
    while (value % (own * stride) == 0) {
      number++;
      stride *= stages.rates().get(stages.stages() - number).along(axis);
    }
    String pixels = value % stride == 0 ? "" + value / stride : "%d / %d".formatted(value, stride);
    throw new IllegalArgumentException(
        "%s: %d does not divide into stages with rates %s: stage %d would have %s pixels, which"
                .formatted(name, value, stages.rates(), number, pixels)
            + " must be a multiple of %d; use %s".formatted(own, use));
  }

  private String nearest(ModelDescription.Latents geometry, StageConfig stages) {
    int below = geometry.latentFrames(frames);
    while (below > 0 && !stages.fits(below)) {
      below--;
    }
    int above = geometry.latentFrames(frames) + 1;
    while (!stages.fits(above)) {
      above++;
    }
    return below == 0
        ? "the shortest that fits is " + geometry.frames(above)
        : "the nearest that fit are %d and %d"
            .formatted(geometry.frames(below), geometry.frames(above));
  }
}
