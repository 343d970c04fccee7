package io.github.tpdiff.runtime.pipeline;

import java.util.List;
import java.util.Map;

/**
 * Everything besides weights and graphs that inference needs; written as JSON into exported
 * folders.
 *
 * @param family name of the {@link ModelFamily}
 * @param latents geometry and scaling of the latents
 * @param text how prompts become embeddings
 * @param scheduler the fields of the checkpoint's {@code scheduler_config.json}
 * @param defaults what is generated when the user does not say
 */
public record PipelineDescription(
    String family, Latents latents, Text text, Map<String, Object> scheduler, Defaults defaults) {
  public PipelineDescription {
    scheduler = Map.copyOf(scheduler);
  }

  /**
   * Geometry and scaling of latents.
   *
   * @param channels of a latent
   * @param spatialFactor pixels per latent along height and width
   * @param temporalFactor frames per latent frame
   * @param sharedFirstFrame true if 1 + n·temporalFactor frames give 1 + n latent frames
   * @param sizeMultiple height and width in pixels must be multiples of this
   * @param mean per channel; normalised = (latent − mean) / std
   * @param std per channel
   */
  public record Latents(
      int channels,
      int spatialFactor,
      int temporalFactor,
      boolean sharedFirstFrame,
      int sizeMultiple,
      List<Double> mean,
      List<Double> std) {
    public Latents {
      mean = List.copyOf(mean);
      std = List.copyOf(std);
    }
  }

  /**
   * How prompts become embeddings.
   *
   * @param maxLength tokens per prompt; embeddings are filled with zero rows up to it
   * @param cleaning how prompts are cleaned before tokenisation
   */
  public record Text(int maxLength, Cleaning cleaning) {}

  /** How prompts are cleaned. */
  public enum Cleaning {
    NONE,
    /** As Wan does: repaired text, entities unescaped, white space collapsed. */
    WHITESPACE
  }

  /**
   * What is generated when the user does not say.
   *
   * @param height pixels
   * @param width pixels
   * @param frames pixel frames
   * @param fps frames per second of the written video
   * @param steps sampler steps
   * @param guidanceScale 1 for none
   */
  public record Defaults(
      int height, int width, int frames, double fps, int steps, double guidanceScale) {}
}
