package io.github.tpdiff.lora.job;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.data.BucketSizes;
import io.github.tpdiff.lora.data.BucketSizes.Budget;
import io.github.tpdiff.lora.data.BucketSizes.Candidate;
import io.github.tpdiff.lora.data.ClipSizes;
import io.github.tpdiff.lora.data.Extraction;
import io.github.tpdiff.lora.data.GivenSizes;
import io.github.tpdiff.lora.data.SourceSet;
import io.github.tpdiff.lora.job.JobPictures.Need;
import io.github.tpdiff.lora.job.TrainingJob.Buckets;
import io.github.tpdiff.lora.job.TrainingJob.Data;
import io.github.tpdiff.lora.job.TrainingJob.DataFiles;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;

/**
 * What a model and its stages make of the sizes and pictures of a job's data.
 *
 * @param data of the job
 * @param model that is trained
 * @param stages in which it is
 */
record JobData(Data data, ModelDescription model, StageConfig stages) {
  private double fps() {
    return data.fps().orElse(model.defaults().fps());
  }

  /**
   * The sizes of all sets: said, the checkpoint's own, or chosen from what the files are like that
   * can be trained on.
   *
   * @param need of the model for pictures
   */
  ClipSizes sizes(Need need) {
    if (data.buckets().isPresent()) {
      return BucketSizes.choose(budget(data.buckets().get()), candidates(need));
    }
    return new GivenSizes(
        data.sizes().isEmpty()
            ? List.of(
                new VideoSize(
                    model.defaults().height(),
                    model.defaults().width(),
                    model.defaults().frames(),
                    fps()))
            : data.sizes().stream()
                .map(s -> new VideoSize(s.height(), s.width(), s.frames(), fps()))
                .toList());
  }

  private List<Candidate> candidates(Need need) {
    List<Candidate> files = SourceSet.look(data.sets().stream().map(DataFiles::path).toList());
    Optional<String> against = againstPictures(need);
    if (against.isEmpty()) {
      return files;
    }
    List<Candidate> videos = files.stream().filter(file -> !file.isPicture()).toList();
    checkArgument(
        !videos.isEmpty() || files.isEmpty(),
        "data: expected videos, found %s pictures: %s",
        files.size(),
        against.get());
    return videos;
  }

  private Budget budget(Buckets buckets) {
    int width = model.latents().multiple(stages, GridAxis.WIDTH);
    int height = model.latents().multiple(stages, GridAxis.HEIGHT);
    for (int count : buckets.frames()) {
      try {
        new VideoSize(height, width, count, fps()).latentShape(model.latents(), stages);
      } catch (IllegalArgumentException wrong) {
        throw new IllegalArgumentException("data." + wrong.getMessage(), wrong);
      }
    }
    return new Budget(
        (long) buckets.pixels().width() * buckets.pixels().height(),
        width,
        height,
        buckets.frames().isEmpty() ? halves() : buckets.frames(),
        fps(),
        buckets.shapes().orElse(Buckets.USUAL_SHAPES));
  }

  /** The checkpoint's own number of frames, half of it, and so on, as near below as fits. */
  private List<Integer> halves() {
    var latents = model.latents();
    var frames = new LinkedHashSet<Integer>();
    int most = latents.framesFor(stages, model.defaults().frames());
    while (frames.add(most)) {
      // A frame that stands alone is no part of what is halved: of 81, 41.
      int half = (most + 1) / 2;
      int fitting = latents.framesFor(stages, half);
      if (fitting > half || latents.latentFrames(fitting) < 2) {
        break;
      }
      most = fitting;
    }
    return List.copyOf(frames);
  }

  /** The sets, each with the sizes that its clips may have. */
  List<SourceSet> sets(ClipSizes sizes) {
    return data.sets().stream()
        .map(
            set ->
                new SourceSet(
                    set.path(),
                    set.extraction().mode() == Extraction.Mode.WHOLE ? whole(sizes) : sizes,
                    set.extraction(),
                    set.captions(),
                    set.share()))
        .toList();
  }

  /** The same sides with every number of frames up to the longest that fits the stages. */
  private ClipSizes whole(ClipSizes sizes) {
    if (sizes instanceof BucketSizes buckets) {
      Budget own = buckets.budget();
      return new BucketSizes(
          own.withFrames(fitting(own.frames().get(0))), buckets.shapes(), buckets.all());
    }
    var all = new LinkedHashSet<VideoSize>();
    for (VideoSize size : sizes.all()) {
      for (int frames : fitting(size.frames())) {
        all.add(new VideoSize(size.height(), size.width(), frames, size.fps()));
      }
    }
    return new GivenSizes(List.copyOf(all));
  }

  private List<Integer> fitting(int most) {
    var latents = model.latents();
    var frames = new ArrayList<Integer>();
    for (int count = latents.latentFrames(most); count >= 2; count--) {
      if (stages.fits(count)) {
        frames.add(latents.frames(count));
      }
    }
    return frames.isEmpty() ? List.of(most) : frames;
  }

  /** Why pictures cannot be clips of one frame; empty if they can. */
  Optional<String> againstPictures(Need need) {
    if (need == Need.REQUIRED) {
      return Optional.of(
          "this model makes videos of a picture, of which a picture alone leaves nothing to learn;"
              + " leave it out");
    }
    var latents = model.latents();
    if (latents.latentFrames(1) != 1 || latents.frames(1) != 1) {
      return Optional.of(
          "this model's VAE takes %d frames at a time, not one; leave it out"
              .formatted(latents.frames(1)));
    }
    return stages.fits(1) || stages.isStill(1)
        ? Optional.empty()
        : Optional.of(
            "one frame does not divide into stages with rates %s; leave it out, or train without"
                    .formatted(stages.rates())
                + " stages over time (stages.count: 1)");
  }
}
