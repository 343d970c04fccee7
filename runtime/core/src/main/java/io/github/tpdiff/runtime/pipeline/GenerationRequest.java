package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.NoiseSource;

/**
 * One video to generate.
 *
 * @param prompt what it shows
 * @param negativePrompt what guidance leads away from; not read without guidance
 * @param size in pixels
 * @param sampling how noise becomes latents
 * @param noise drawn from once a stage; {@link NoiseSource#seeded} gives what diffusers draws, see
 *     also {@link GivenNoise}
 */
public record GenerationRequest(
    String prompt, String negativePrompt, VideoSize size, Sampling sampling, NoiseSource noise) {

  /**
   * A video as the model's description has it: no negative prompt, seed 0, the stages that its
   * weights were made for.
   */
  public static GenerationRequest of(PipelineDescription description, String prompt) {
    return new GenerationRequest(
        prompt,
        "",
        VideoSize.of(description.defaults()),
        Sampling.of(description),
        NoiseSource.seeded(0));
  }

  public GenerationRequest withNegativePrompt(String other) {
    return new GenerationRequest(prompt, other, size, sampling, noise);
  }

  public GenerationRequest withSize(VideoSize other) {
    return new GenerationRequest(prompt, negativePrompt, other, sampling, noise);
  }

  public GenerationRequest withSampling(Sampling other) {
    return new GenerationRequest(prompt, negativePrompt, size, other, noise);
  }

  public GenerationRequest withNoise(NoiseSource other) {
    return new GenerationRequest(prompt, negativePrompt, size, sampling, other);
  }
}
