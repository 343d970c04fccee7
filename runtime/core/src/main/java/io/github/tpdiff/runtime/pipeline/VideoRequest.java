package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.Optional;

/**
 * One video to generate with a model, everything said.
 *
 * @param prompt what it shows
 * @param negativePrompt what guidance leads away from; not read without guidance
 * @param pictures that it begins and ends with
 * @param size in pixels
 * @param sampling how noise becomes latents
 * @param noise drawn from once a stage; {@link NoiseSource#seeded} gives what diffusers draws, see
 *     also {@link GivenNoise}
 */
public record VideoRequest(
    String prompt,
    String negativePrompt,
    Optional<RequestedPictures> pictures,
    VideoSize size,
    Sampling sampling,
    NoiseSource noise) {

  static VideoRequest of(GenerationRequest request, ModelDescription model, StageConfig stages) {
    Optional<RequestedPictures> pictures = RequestedPictures.of(request, model.flow());
    VideoChoice video = request.video();
    if (video.width().isEmpty() && video.height().isEmpty()) {
      video =
          pictures
              .flatMap(given -> given.proposedSize(model, stages))
              .map(video::withSides)
              .orElse(video);
    }
    return new VideoRequest(
        request.prompt(),
        request.negativePrompt().orElse(""),
        pictures,
        video.of(model, stages),
        request.sampling().of(model),
        NoiseSource.seeded(request.seed().orElse(0L)));
  }

  /** The same sampled otherwise. */
  public VideoRequest withSampling(Sampling other) {
    return new VideoRequest(prompt, negativePrompt, pictures, size, other, noise);
  }

  /** The same of other noise. */
  public VideoRequest withNoise(NoiseSource other) {
    return new VideoRequest(prompt, negativePrompt, pictures, size, sampling, other);
  }
}
