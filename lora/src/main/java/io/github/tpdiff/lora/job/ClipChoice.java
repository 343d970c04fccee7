package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.picture.PictureSize;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * Stages and clip sizes that suit a model and the videos there are.
 *
 * @param stages of the pyramid
 * @param frames pixel frames of every clip, which divide into the stages
 * @param sizes one for each shape that many videos have: none larger than the model's own or than
 *     the videos
 * @param filled videos that are long enough, and pictures
 */
record ClipChoice(int stages, int frames, List<ClipSize> sizes, long filled) {
  private static final int MOST_STAGES = 3;

  /** Shares of the videos that should be long enough; where that leaves no length, the next. */
  private static final List<Double> SHARES = List.of(0.9, 0.5);

  /** Of the videos, that a shape must have for a size of its own. */
  private static final double SHAPE_SHARE = 0.1;

  /**
   * Width over height above which a picture is broad, and under the inverse of which it is tall.
   */
  private static final double BROAD = 1.15;

  ClipChoice {
    sizes = List.copyOf(sizes);
  }

  /** The most stages, at most three, and then the longest clips that enough videos fill. */
  static ClipChoice of(ModelDescription model, ClipSurvey survey) {
    if (survey.videos().isEmpty()) {
      return pictures(model, survey);
    }
    for (int stages = MOST_STAGES; stages > 1; stages--) {
      for (double share : SHARES) {
        Optional<ClipChoice> choice = find(model, survey, stages, share);
        if (choice.isPresent()) {
          return choice.get();
        }
      }
    }
    return find(model, survey, 1, 0).orElseThrow();
  }

  /** Pictures alone: what stages over time there are does nothing to them. */
  private static ClipChoice pictures(ModelDescription model, ClipSurvey survey) {
    var vanilla = StageConfig.pyramid(1, model.latents().resampling());
    return new ClipChoice(
        1, 1, new Shapes(model, vanilla, 1).of(survey.shapes()), survey.pictures().size());
  }

  private static Optional<ClipChoice> find(
      ModelDescription model, ClipSurvey survey, int stages, double share) {
    ModelDescription.Latents latents = model.latents();
    var pyramid = StageConfig.pyramid(stages, latents.resampling());
    int longest = Math.min(latents.latentFrames(model.defaults().frames()), latents.maxFrames());
    for (int count = longest; count >= 1; count--) {
      int frames = latents.frames(count);
      // Half a frame less: a video's length is rounded in its file.
      long filled = survey.lasting((frames - 0.5) / model.defaults().fps());
      if (pyramid.fits(count) && filled >= Math.max(share * survey.videos().size(), 1)) {
        return Optional.of(
            new ClipChoice(
                stages,
                frames,
                new Shapes(model, pyramid, frames).of(survey.shapes()),
                filled + survey.pictures().size()));
      }
    }
    return Optional.empty();
  }

  /** Sizes for videos of different shapes. */
  private record Shapes(ModelDescription model, StageConfig pyramid, int frames) {
    List<ClipSize> of(List<PictureSize> videos) {
      var groups =
          List.<List<PictureSize>>of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
      for (PictureSize video : videos) {
        double shape = shape(video);
        groups.get(shape > BROAD ? 0 : shape < 1 / BROAD ? 1 : 2).add(video);
      }
      var sizes = new LinkedHashSet<ClipSize>();
      for (List<PictureSize> group : groups) {
        if (!group.isEmpty() && group.size() >= SHAPE_SHARE * videos.size()) {
          sizes.add(size(group));
        }
      }
      return List.copyOf(sizes);
    }

    /** The middle shape of the group, as large as the model's own size or the middle video. */
    private ClipSize size(List<PictureSize> group) {
      var own = model.defaults();
      double width = middle(group, PictureSize::width);
      double height = middle(group, PictureSize::height);
      double shape = middle(group, ClipChoice::shape);
      double area = Math.min(width * height, (double) own.width() * own.height());
      return new ClipSize(
          rounded(
              Math.sqrt(area * shape), width, model.latents().multiple(pyramid, GridAxis.WIDTH)),
          rounded(
              Math.sqrt(area / shape), height, model.latents().multiple(pyramid, GridAxis.HEIGHT)),
          frames);
    }
  }

  private static double shape(PictureSize video) {
    return video.width() / (double) video.height();
  }

  /** The nearest multiple that is no longer than the video's side. */
  private static int rounded(double side, double most, int multiple) {
    long nearest = Math.min(Math.round(side / multiple), (long) most / multiple);
    return Math.toIntExact(Math.max(1, nearest)) * multiple;
  }

  private static double middle(List<PictureSize> group, ToDoubleFunction<PictureSize> of) {
    return group.stream().mapToDouble(of).sorted().skip(group.size() / 2).findFirst().orElseThrow();
  }
}
