package io.github.tpdiff.lora.job;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.data.CachedSet;
import io.github.tpdiff.lora.train.TrainingSamples;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.pipeline.Sampling;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Videos that a job makes on the way.
 *
 * @param job that asks for them
 */
record JobSamples(ResolvedJob job) {
  private TrainingJob.Sample asked() {
    return job.job().sample();
  }

  /**
   * Finds what is wrong with them before any work.
   *
   * @throws IllegalArgumentException if a key of them does not suit the model or the job
   */
  void require() {
    int denoisers = job.model().description().flow().denoisers().size();
    checkArgument(
        denoisers == 1,
        "sample.prompts: a video asks %s denoisers, of which a run has only the one that it trains in"
            + " memory; leave them out, and generate with the LoRA",
        denoisers);
    checkArgument(
        !asked().pictures().orElse(false) || job.pictures().need() != JobPictures.Need.NONE,
        "sample.pictures: this model is told of none; leave it out");
    checkArgument(
        asked().pictures().orElse(true) || job.pictures().need() != JobPictures.Need.REQUIRED,
        "sample.pictures: this model makes no video without a picture; leave it out");
    checkArgument(
        !showsPictures() || job.sizes().contains(size()),
        "sample.size: expected one of data.sizes, of whose clips the pictures are, found %s",
        ClipSize.of(size()));
    try {
      job.diffusion().plan(shape().grid());
    } catch (IllegalArgumentException wrong) {
      throw new IllegalArgumentException("sample.size: " + wrong.getMessage(), wrong);
    }
    try {
      sampler();
    } catch (IllegalArgumentException wrong) {
      throw new IllegalArgumentException("sample." + wrong.getMessage(), wrong);
    }
  }

  private StagedSampler sampler() {
    Sampling sampling = sampling();
    return StagedSampler.of(
        job.diffusion().plan(shape().grid()), sampling.scheduler().sampler(), sampling.steps());
  }

  VideoSize size() {
    return asked()
        .size()
        .map(s -> new VideoSize(s.height(), s.width(), s.frames(), job.sizes().get(0).fps()))
        .orElse(job.sizes().get(0));
  }

  private Sampling sampling() {
    Sampling own = Sampling.of(job.model().description()).withStages(job.diffusion().stages());
    Sampling shown = asked().steps().map(own::withSteps).orElse(own);
    return asked().guidance().map(Guidance::scale).map(shown::withGuidance).orElse(shown);
  }

  private LatentShape shape() {
    return size().latentShape(job.model().description().latents(), job.diffusion().stages());
  }

  private boolean showsPictures() {
    return asked().pictures().orElse(job.pictures().need() == JobPictures.Need.REQUIRED);
  }

  /** What the videos made on the way are told: each prompt, with the picture of another clip. */
  private List<Conditions> shown(CachedSet clips, CachedSet.Split split) {
    List<Conditions> prompts = clips.prompts();
    if (!showsPictures()) {
      return prompts;
    }
    LatentShape shape = shape();
    var pictures = new ArrayList<>(split.heldOut().pictures(shape, prompts.size()));
    pictures.addAll(split.training().pictures(shape, prompts.size()));
    checkArgument(
        !pictures.isEmpty(),
        "sample.pictures: expected a clip of %s, whose picture is shown, found none; choose"
            + " sample.size among data.sizes",
        ClipSize.of(size()));
    return IntStream.range(0, prompts.size())
        .mapToObj(i -> prompts.get(i).with(pictures.get(i % pictures.size())))
        .toList();
  }

  /** The samples, if the job asks for any. */
  Optional<TrainingSamples> of(CachedSet clips, CachedSet.Split split) {
    if (asked().prompts().isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new TrainingSamples(
            shown(clips, split),
            clips.uncaptionedPrompt(),
            asked().every(),
            shape(),
            sampler(),
            sampling().guidance().get(0),
            asked().seed()));
  }
}
