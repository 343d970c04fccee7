package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.FrameResampling.FirstFrame;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;

/**
 * Everything besides weights and graphs that inference needs; written as JSON into exported
 * folders.
 *
 * @param family name of the {@link ModelFamily}
 * @param denoiser folder of the denoiser in diffusers' layout, and prefix of its LoRA keys: {@code
 *     transformer} or {@code unet}
 * @param latents geometry and scaling of the latents
 * @param text how prompts become embeddings
 * @param scheduler the fields of the checkpoint's {@code scheduler_config.json}
 * @param schedulers others that the model is published or commonly run with, by name
 * @param defaults what is generated when the user does not say
 */
public record PipelineDescription(
    String family,
    String denoiser,
    Latents latents,
    Text text,
    Map<String, Object> scheduler,
    Map<String, Map<String, Object>> schedulers,
    Defaults defaults) {
  public PipelineDescription {
    checkArgument(!family.isBlank(), "family: expected a name, found none");
    checkArgument(
        denoiser.matches("[a-z0-9_]+"),
        "denoiser: expected the name of a folder, such as unet, found '%s'",
        denoiser);
    scheduler = Map.copyOf(scheduler);
    schedulers = Map.copyOf(schedulers);
  }

  /** The same with prompts of another length or cleaning. */
  public PipelineDescription withText(Text other) {
    return new PipelineDescription(
        family, denoiser, latents, other, scheduler, schedulers, defaults);
  }

  /** The same sampled as the fields of another {@code scheduler_config.json} say. */
  public PipelineDescription withScheduler(Map<String, Object> other) {
    return new PipelineDescription(family, denoiser, latents, text, other, schedulers, defaults);
  }

  /**
   * The same sampled as one of {@link #schedulers}.
   *
   * @throws IllegalArgumentException if there is none of that name, naming those there are
   */
  public PipelineDescription withScheduler(String name) {
    Map<String, Object> named = schedulers.get(name);
    checkArgument(
        named != null,
        "scheduler: expected one of %s, found '%s'",
        new TreeSet<>(schedulers.keySet()),
        name);
    return withScheduler(Objects.requireNonNull(named));
  }

  /**
   * Geometry and scaling of latents.
   *
   * @param channels of a latent
   * @param spatialFactor pixels per latent along height and width
   * @param temporalFactor frames per latent frame
   * @param sharedFirstFrame true if 1 + n·temporalFactor frames give 1 + n latent frames
   * @param maxFrames latent frames whose positions the denoiser can tell apart
   * @param sizeMultiple height and width in pixels must be multiples of this
   * @param mean per channel; normalised = (latent − mean) / std
   * @param std per channel
   */
  public record Latents(
      int channels,
      int spatialFactor,
      int temporalFactor,
      boolean sharedFirstFrame,
      int maxFrames,
      int sizeMultiple,
      List<Double> mean,
      List<Double> std) {
    /**
     * @throws IllegalArgumentException if a factor is not positive, or mean and std are not one
     *     finite value a channel
     */
    public Latents {
      requirePositive("latents.channels", channels);
      requirePositive("latents.spatial_factor", spatialFactor);
      requirePositive("latents.temporal_factor", temporalFactor);
      requirePositive("latents.max_frames", maxFrames);
      requirePositive("latents.size_multiple", sizeMultiple);
      checkArgument(
          sizeMultiple % spatialFactor == 0,
          "latents.size_multiple: expected a multiple of spatial_factor %s, found %s",
          spatialFactor,
          sizeMultiple);
      mean = requireFinite("latents.mean", mean, channels);
      std = requireFinite("latents.std", std, channels);
      checkArgument(
          std.stream().allMatch(value -> value > 0),
          "latents.std: expected positive values, found %s",
          std);
    }

    /** What becomes of the first latent frame in a temporal pyramid. */
    public FirstFrame firstFrame() {
      return sharedFirstFrame ? FirstFrame.SHARED : FirstFrame.GROUPED;
    }

    /** The same for a denoiser that can tell apart another number of latent frames. */
    public Latents withMaxFrames(int frames) {
      return new Latents(
          channels,
          spatialFactor,
          temporalFactor,
          sharedFirstFrame,
          frames,
          sizeMultiple,
          mean,
          std);
    }

    /** The pixel frames that {@code latentFrames} latent frames stand for. */
    public int frames(int latentFrames) {
      int alone = sharedFirstFrame ? 1 : 0;
      return alone + Math.multiplyExact(latentFrames - alone, temporalFactor);
    }

    /** The most latent frames that {@code frames} pixel frames fill; 0 if they fill none. */
    public int latentFrames(int frames) {
      int alone = sharedFirstFrame && frames >= 1 ? 1 : 0;
      return alone + (frames - alone) / temporalFactor;
    }
  }

  /**
   * How prompts become embeddings.
   *
   * @param maxLength tokens per prompt, padding included: the rows of an embedding
   * @param cleaning how prompts are cleaned before tokenisation
   */
  public record Text(int maxLength, Cleaning cleaning) {
    public Text {
      checkArgument(maxLength >= 2, "text.max_length: expected at least 2, found %s", maxLength);
    }
  }

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
      int height, int width, int frames, double fps, int steps, double guidanceScale) {
    public Defaults {
      requirePositive("defaults.height", height);
      requirePositive("defaults.width", width);
      requirePositive("defaults.frames", frames);
      requirePositive("defaults.steps", steps);
      checkArgument(
          fps > 0 && Double.isFinite(fps), "defaults.fps: expected more than 0, found %s", fps);
      checkArgument(
          Double.isFinite(guidanceScale),
          "defaults.guidance_scale: expected a finite number, found %s",
          guidanceScale);
    }
  }

  private static void requirePositive(String field, int value) {
    checkArgument(value >= 1, "%s: expected at least 1, found %s", field, value);
  }

  private static List<Double> requireFinite(String field, List<Double> values, int channels) {
    checkArgument(
        values.size() == channels && values.stream().allMatch(Double::isFinite),
        "%s: expected %s finite values, one a channel, found %s",
        field,
        channels,
        values);
    return List.copyOf(values);
  }
}
