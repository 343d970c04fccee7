package io.github.tpdiff.lora.job;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.data.CachedSet;
import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.lora.train.TrainingSamples;
import io.github.tpdiff.lora.train.TrainingSamples.SampledVideo;
import io.github.tpdiff.runtime.cost.CostModel;
import io.github.tpdiff.runtime.cost.PlanCost;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.RequestedPictures;
import io.github.tpdiff.runtime.pipeline.Sampling;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoChoice;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Videos that a job makes on the way.
 *
 * @param job that asks for them
 */
record JobSamples(ResolvedJob job) {
  /** Encodes the picture that a video begins with. */
  @FunctionalInterface
  interface Pictures {
    /**
     * What the network is told of pictures.
     *
     * @param size of the whole video
     * @param plan of its stages
     */
    Conditions encode(RequestedPictures pictures, VideoSize size, StagePlan plan);
  }

  /**
   * A video, everything said but the picture.
   *
   * @param request of which everything but the picture is in the other parts too
   */
  private record Decided(
      GenerationRequest request,
      VideoSize size,
      LatentShape shape,
      Sampling sampling,
      StagedSampler sampler,
      StagePlan plan) {}

  private TrainingJob.Sample asked() {
    return job.job().sample();
  }

  private ModelDescription model() {
    return job.model().description();
  }

  /**
   * Finds what is wrong with them before any work.
   *
   * @throws IllegalArgumentException if a key of them does not suit the model or the job
   * @throws CheckpointException if a line of the file of prompts does not, naming it
   */
  void require() {
    if (job.files().samples().isEmpty()) {
      return;
    }
    int denoisers = model().flow().denoisers().size();
    checkArgument(
        denoisers == 1,
        "%s: a video asks %s denoisers, of which a run has only the one that it trains in memory;"
            + " leave them out, and generate with the LoRA",
        job.files().samples().get(0).origin(),
        denoisers);
    checkArgument(
        !asked().pictures().orElse(false) || job.pictures().need() != JobPictures.Need.NONE,
        "sample.pictures: this model is told of none; leave it out");
    checkArgument(
        asked().pictures().orElse(true) || job.pictures().need() != JobPictures.Need.REQUIRED,
        "sample.pictures: this model makes no video without a picture; leave it out");
    requireKeys();
    for (int i = 0; i < job.files().samples().size(); i++) {
      requirePrompt(i);
    }
  }

  /** As a prompt has them that says nothing of its own. */
  private void requireKeys() {
    try {
      job.diffusion().plan(shape(size()).grid());
    } catch (IllegalArgumentException wrong) {
      throw new IllegalArgumentException("sample.size: " + wrong.getMessage(), wrong);
    }
    try {
      decided(GenerationRequest.of(""), 0);
    } catch (IllegalArgumentException wrong) {
      throw new IllegalArgumentException("sample." + wrong.getMessage(), wrong);
    }
  }

  private void requirePrompt(int index) {
    SamplePrompt prompt = job.files().samples().get(index);
    try {
      Decided video = decided(prompt.request(), index);
      if (prompt.request().picture().isPresent()) {
        video.request().of(model(), job.diffusion().stages());
        return;
      }
      checkArgument(
          !showsPictures() || job.sizes().contains(video.size()),
          "%s: expected a size of clips, whose pictures are shown, one of %s, found %s",
          prompt.request().video().equals(VideoChoice.open()) ? "sample.size" : "size",
          job.sizes().stream().map(ClipSize::of).toList(),
          ClipSize.of(video.size()));
    } catch (IllegalArgumentException | CheckpointException wrong) {
      throw prompt.request().equals(GenerationRequest.of(prompt.request().prompt()))
          ? wrong
          : new CheckpointException(prompt.origin() + ": " + wrong.getMessage(), wrong);
    }
  }

  /** What a prompt says, and the keys of the job where it leaves something open. */
  private Decided decided(GenerationRequest prompt, int index) {
    Optional<Double> guidance = asked().guidance();
    SamplingChoice keys =
        new SamplingChoice(
            asked().steps(),
            guidance.stream().toList(),
            Optional.empty(),
            Optional.empty(),
            SamplingChoice.open().stages());
    GenerationRequest request =
        prompt
            .withVideo(prompt.video().over(VideoChoice.of(size())))
            .withSampling(prompt.sampling().over(keys))
            .withSeed(prompt.seed().orElse(asked().seed() + index));
    VideoSize size = request.video().of(model(), job.diffusion().stages());
    LatentShape shape = shape(size);
    Sampling sampling = request.sampling().of(model()).withStages(job.diffusion().stages());
    StagePlan plan = job.diffusion().plan(shape.grid());
    return new Decided(request, size, shape, sampling, sampling.through(plan), plan);
  }

  private List<Decided> decided() {
    List<SamplePrompt> prompts = job.files().samples();
    return IntStream.range(0, prompts.size())
        .mapToObj(i -> decided(prompts.get(i).request(), i))
        .toList();
  }

  /** What denoising a video takes. */
  PlanCost cost(GenerationRequest request) {
    Decided video = decided(request, 0);
    Component denoiser = job.model().require(model().denoiser());
    var runs = new ArrayList<PlanCost.StageRun>();
    List<Stage> stages = video.plan().stages();
    for (int i = 0; i < stages.size(); i++) {
      LatentShape shape = video.shape().withGrid(stages.get(i).grid().size());
      runs.add(
          new PlanCost.StageRun(
              NetworkInputs.shapes(denoiser.program(), model().flow(), shape),
              video.sampler().steps().get(i).size()));
    }
    return PlanCost.of(
        new CostModel(denoiser.program(), WeightSizes.of(denoiser.weights())),
        new PlanCost.Request(runs, video.sampling().needsUnconditional() ? 2 : 1));
  }

  /** The size that a video has which does not say its own. */
  VideoSize size() {
    return asked()
        .size()
        .map(s -> new VideoSize(s.height(), s.width(), s.frames(), job.sizes().get(0).fps()))
        .orElse(job.sizes().get(0));
  }

  private LatentShape shape(VideoSize size) {
    return size.latentShape(model().latents(), job.diffusion().stages());
  }

  /** Every text that is to be encoded: prompts and negative prompts. */
  List<String> texts() {
    List<GenerationRequest> requests =
        job.files().samples().stream().map(SamplePrompt::request).toList();
    return List.copyOf(
        new LinkedHashSet<>(
            Stream.concat(
                    requests.stream().map(GenerationRequest::prompt),
                    requests.stream().flatMap(request -> request.negativePrompt().stream()))
                .toList()));
  }

  private boolean showsPictures() {
    return asked().pictures().orElse(job.pictures().need() == JobPictures.Need.REQUIRED);
  }

  /** The samples, if the job asks for any. */
  Optional<TrainingSamples> of(CachedSet clips, CachedSet.Split split, Pictures pictures) {
    if (job.files().samples().isEmpty()) {
      return Optional.empty();
    }
    var videos = new ArrayList<SampledVideo>();
    for (Decided video : decided()) {
      Conditions prompt = told(clips, video.request().prompt());
      Conditions negative =
          video
              .request()
              .negativePrompt()
              .map(text -> told(clips, text))
              .orElseGet(clips::uncaptionedPrompt);
      videos.add(
          new SampledVideo(
              prompt.with(shown(video, split, videos.size(), pictures)),
              negative,
              video.shape(),
              video.sampler(),
              video.sampling().guidance().denoisers().get(0),
              video.request().seed().orElseThrow()));
    }
    return Optional.of(
        new TrainingSamples(videos, asked().every(), asked().first(), Optional.empty()));
  }

  private Conditions told(CachedSet clips, String text) {
    return clips.prompts().get(texts().indexOf(text));
  }

  /** What a video is told of pictures: its own, or that of a clip, or nothing. */
  private Conditions shown(Decided video, CachedSet.Split split, int index, Pictures pictures) {
    if (video.request().picture().isPresent()) {
      RequestedPictures own =
          video.request().of(model(), job.diffusion().stages()).pictures().orElseThrow();
      return pictures.encode(own, video.size(), video.plan());
    }
    if (!showsPictures()) {
      return new Conditions(model().flow(), Map.of());
    }
    int most = index + 1;
    var ofClips = new ArrayList<>(split.heldOut().pictures(video.shape(), most));
    ofClips.addAll(split.training().pictures(video.shape(), most));
    checkArgument(
        !ofClips.isEmpty(),
        "sample.pictures: expected a clip of %s, whose picture is shown, found none; choose"
            + " sample.size among data.sizes",
        ClipSize.of(video.size()));
    return ofClips.get(index % ofClips.size());
  }

  /** What each video is to show, in a line. */
  List<String> captions() {
    return decided().stream()
        .map(
            video ->
                "%s (%s, %d steps, seed %d)"
                    .formatted(
                        video.request().prompt(),
                        ClipSize.of(video.size()),
                        video.sampler().totalSteps(),
                        video.request().seed().orElseThrow()))
        .toList();
  }
}
