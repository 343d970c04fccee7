package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.ModelDescription;
import java.nio.file.Path;
import java.util.Optional;

/**
 * One video to generate with a model, everything said.
 *
 * @param prompt what it shows
 * @param negativePrompt what guidance leads away from; not read without guidance
 * @param picture a file with the picture that it begins with
 * @param size in pixels
 * @param sampling how noise becomes latents
 * @param noise drawn from once a stage; {@link NoiseSource#seeded} gives what diffusers draws, see
 *     also {@link GivenNoise}
 */
public record VideoRequest(
    String prompt,
    String negativePrompt,
    Optional<Path> picture,
    VideoSize size,
    Sampling sampling,
    NoiseSource noise) {

  static VideoRequest of(GenerationRequest request, ModelDescription model) {
    checkArgument(
        request.picture().isEmpty() || !model.flow().conditions(true).isEmpty(),
        "picture: this model is told of none, found %s",
        request.picture().orElse(Path.of("")));
    checkArgument(
        request.picture().isPresent()
            || model.flow().conditions(true).stream().allMatch(Condition::optional),
        "picture: expected one, without which this model makes no video, found none");
    return new VideoRequest(
        request.prompt(),
        request.negativePrompt().orElse(""),
        request.picture(),
        request.video().of(model),
        request.sampling().of(model),
        NoiseSource.seeded(request.seed().orElse(0L)));
  }

  /** The same sampled otherwise. */
  public VideoRequest withSampling(Sampling other) {
    return new VideoRequest(prompt, negativePrompt, picture, size, other, noise);
  }

  /** The same of other noise. */
  public VideoRequest withNoise(NoiseSource other) {
    return new VideoRequest(prompt, negativePrompt, picture, size, sampling, other);
  }
}
