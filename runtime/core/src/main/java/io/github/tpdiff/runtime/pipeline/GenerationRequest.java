package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.picture.PictureGeometry;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * One video to generate, as plain data that command lines, files and services bind to; what is left
 * open is the model's default.
 *
 * @param prompt what it shows
 * @param negativePrompt what guidance leads away from; not read without guidance
 * @param picture a file with the picture that it begins with, for models that take one
 * @param lastPicture a file with the picture that it ends with, likewise
 * @param pictureGeometry how pictures come to the video's size
 * @param video its size
 * @param sampling how noise becomes latents
 * @param seed of the noise, drawn as diffusers draws it on the CPU
 * @param loras to put on the checkpoint, in this order
 */
public record GenerationRequest(
    String prompt,
    Optional<String> negativePrompt,
    Optional<Path> picture,
    Optional<Path> lastPicture,
    Optional<PictureGeometry> pictureGeometry,
    VideoChoice video,
    SamplingChoice sampling,
    Optional<Long> seed,
    List<LoraChoice> loras) {
  /** A request as JSON. */
  public static final RecordJson<GenerationRequest> JSON =
      RecordJson.handWritten(GenerationRequest.class);

  public GenerationRequest {
    loras = List.copyOf(loras);
  }

  /**
   * Reads a request, whose paths are relative to its own folder.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if it is none, naming the field
   */
  public static GenerationRequest read(Path file) {
    return JSON.read(file).besides(file);
  }

  /** The same with paths relative to the folder of a file that said it. */
  public GenerationRequest besides(Path file) {
    return new GenerationRequest(
        prompt,
        negativePrompt,
        picture.map(file::resolveSibling),
        lastPicture.map(file::resolveSibling),
        pictureGeometry,
        video,
        sampling
            .magcache()
            .map(cache -> sampling.withMagCache(cache.at(file.resolveSibling(cache.file()))))
            .orElse(sampling),
        seed,
        loras.stream()
            .map(
                lora ->
                    new LoraChoice(
                        file.resolveSibling(lora.path()), lora.strength(), lora.denoiser()))
            .toList());
  }

  /**
   * A video as the model has it: no negative prompt, seed 0, the stages that its weights were made
   * for.
   */
  public static GenerationRequest of(String prompt) {
    return new GenerationRequest(
        prompt,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        VideoChoice.open(),
        SamplingChoice.open(),
        Optional.empty(),
        List.of());
  }

  public GenerationRequest withPrompt(String other) {
    return new GenerationRequest(
        other, negativePrompt, picture, lastPicture, pictureGeometry, video, sampling, seed, loras);
  }

  public GenerationRequest withNegativePrompt(String other) {
    return new GenerationRequest(
        prompt,
        Optional.of(other),
        picture,
        lastPicture,
        pictureGeometry,
        video,
        sampling,
        seed,
        loras);
  }

  public GenerationRequest withPicture(Path other) {
    return new GenerationRequest(
        prompt,
        negativePrompt,
        Optional.of(other),
        lastPicture,
        pictureGeometry,
        video,
        sampling,
        seed,
        loras);
  }

  public GenerationRequest withLastPicture(Path other) {
    return new GenerationRequest(
        prompt,
        negativePrompt,
        picture,
        Optional.of(other),
        pictureGeometry,
        video,
        sampling,
        seed,
        loras);
  }

  public GenerationRequest withPictureGeometry(PictureGeometry other) {
    return new GenerationRequest(
        prompt,
        negativePrompt,
        picture,
        lastPicture,
        Optional.of(other),
        video,
        sampling,
        seed,
        loras);
  }

  public GenerationRequest withVideo(VideoChoice other) {
    return new GenerationRequest(
        prompt,
        negativePrompt,
        picture,
        lastPicture,
        pictureGeometry,
        other,
        sampling,
        seed,
        loras);
  }

  /** The same of a size. */
  public GenerationRequest withSize(VideoSize other) {
    return withVideo(VideoChoice.of(other));
  }

  public GenerationRequest withSampling(SamplingChoice other) {
    return new GenerationRequest(
        prompt, negativePrompt, picture, lastPicture, pictureGeometry, video, other, seed, loras);
  }

  public GenerationRequest withSeed(long other) {
    return new GenerationRequest(
        prompt,
        negativePrompt,
        picture,
        lastPicture,
        pictureGeometry,
        video,
        sampling,
        Optional.of(other),
        loras);
  }

  public GenerationRequest withLoras(List<LoraChoice> others) {
    return new GenerationRequest(
        prompt,
        negativePrompt,
        picture,
        lastPicture,
        pictureGeometry,
        video,
        sampling,
        seed,
        others);
  }

  /**
   * What it comes to with a model.
   *
   * @param stages in which the video is made
   * @throws IllegalArgumentException if it asks for what the model has not, in one line
   */
  public VideoRequest of(ModelDescription model, StageConfig stages) {
    return VideoRequest.of(this, model, stages);
  }

  /** The same with a model as it is published, in the stages that are asked. */
  public VideoRequest of(ModelDescription model) {
    return of(model, sampling.stages().decide(Optional.empty(), model.vanillaStages()).stages());
  }

  /** The same with a checkpoint, in the stages that it was trained for unless others are asked. */
  public VideoRequest of(VideoModel model) {
    return of(model.description(), model.stages(sampling.stages()).stages());
  }

  /** The same with the parts of a pipeline. */
  public VideoRequest of(PipelineParts parts) {
    return of(parts.description(), parts.stages(sampling.stages()).stages());
  }
}
