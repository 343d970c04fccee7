package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.MagCache;
import io.github.tpdiff.runtime.diffusion.MagCalibration;
import io.github.tpdiff.runtime.diffusion.PredictionReuse;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.DenoiserSequence;
import io.github.tpdiff.runtime.model.DenoiserSequence.Acceleration;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.PromptEncoder;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.pipeline.GenerationListener.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Prompt and picture to latents to video, through one stage or many.
 *
 * <p>The parts are loaded one after another and freed as soon as they are done with: encoders, what
 * depends only on the conditions, denoiser, and the VAE once frames are asked for. Everything a
 * request can have wrong is found before the first is loaded.
 *
 * @param parts what the pipeline is made of; stays the caller's to close
 */
public record VideoPipeline(PipelineParts parts) {

  /**
   * Generates latents; the video is decoded from them when asked for.
   *
   * @throws IllegalArgumentException if the request does not fit the model, in one line
   * @throws io.github.tpdiff.weights.CheckpointException if a part is absent or does not fit
   */
  public GeneratedVideo generate(GenerationRequest request, GenerationListener listener) {
    return generate(request.of(parts), listener);
  }

  /** The same for a request that is wholly said. */
  public GeneratedVideo generate(VideoRequest request, GenerationListener listener) {
    return generate(plan(request), listener);
  }

  /** The same for a request that is planned, once. */
  public GeneratedVideo generate(PlannedVideo planned, GenerationListener listener) {
    VideoRequest request = planned.request();
    StagedSampler sampler = planned.sampler();
    StagePlan plan = sampler.plan();
    requireComponents(request);
    LatentShape shape =
        request.size().latentShape(parts.description().latents(), planned.stages().stages());
    listener.onStages(planned.stages());
    listener.onParts(parts);
    listener.onPhase(Phase.TEXT);
    List<Conditions> conditions = conditions(request, plan);
    listener.onPhase(Phase.DENOISING);
    var watch = new StepWatch(sampler.totalSteps(), listener);
    var acceleration = new Acceleration(request.sampling().guidance(), planned.reuse());
    try (var denoiser = new DenoiserSequence(parts, conditions, acceleration, shape)) {
      Latents sampled = sampler.sample(shape, denoiser, request.noise(), watch);
      Latents latents = conditions.get(0).withGivenFrames(sampled);
      return new GeneratedVideo(parts, latents, request.size().fps(), listener);
    }
  }

  /**
   * The stages and steps that a request comes to with these parts.
   *
   * @throws IllegalArgumentException if the request does not fit the model, in one line
   */
  public PlannedVideo plan(VideoRequest request) {
    Sampling sampling = request.sampling();
    Decided decided = parts.stages(sampling.stages());
    var shape = request.size().latentShape(parts.description().latents(), decided.stages());
    var plan = StagePlan.of(decided.stages(), sampling.scheduler().schedule(), shape.grid());
    StagedSampler sampler = sampling.through(plan);
    Optional<PredictionReuse> reuse = sampling.magCache().map(choice -> reuse(choice, sampler));
    return new PlannedVideo(request, decided, sampler, reuse);
  }

  private MagCache reuse(MagCacheChoice choice, StagedSampler sampler) {
    MagCalibration calibration = RecordJson.MAGCACHE.read(choice.file());
    calibration.requireFits(parts.description().family(), sampler);
    return new MagCache(calibration, choice.limits());
  }

  /**
   * Checks that the parts have what makes a video.
   *
   * @throws io.github.tpdiff.weights.CheckpointException naming what is absent
   */
  public void requireComponents(VideoRequest request) {
    parts.require("a video", parts.description().flow().generating());
    if (request.pictures().isPresent() && parts.encoders("a picture", true).isEmpty()) {
      Flow flow = parts.description().flow();
      List<String> pictures = flow.conditions(true).stream().map(Condition::name).toList();
      parts.require(
          "a picture", flow.writers(pictures).stream().map(ComponentDescription::name).toList());
    }
  }

  private List<Conditions> conditions(VideoRequest request, StagePlan plan) {
    Flow flow = parts.description().flow();
    var conditions = new ArrayList<Conditions>();
    try (var prompts = PromptEncoder.open(parts)) {
      conditions.add(new Conditions(flow, prompts.encode(request.prompt())));
      if (request.sampling().needsUnconditional()) {
        conditions.add(new Conditions(flow, prompts.encode(request.negativePrompt())));
      }
    }
    if (request.pictures().isEmpty()) {
      return conditions;
    }
    RequestedPictures asked = request.pictures().get();
    try (var pictures = PictureEncoder.open(parts)) {
      Conditions told = pictures.encode(size -> asked.prepared(flow, size), request.size(), plan);
      return conditions.stream().map(own -> own.with(told)).toList();
    }
  }
}
