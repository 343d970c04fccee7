package io.github.tpdiff.runtime.model;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.FirstFrame;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.NoiseLevels;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Everything besides weights and graphs that inference needs; written as JSON into exported
 * folders.
 *
 * @param family name of the {@link ModelFamily}
 * @param flow its components, and how values flow through them
 * @param latents geometry and scaling of the latents
 * @param targetScale the scale of the flow-matching target in stages, unless something else is said
 * @param scheduler the fields of the checkpoint's {@code scheduler_config.json}
 * @param schedulers others that the model is published or commonly run with, by name
 * @param defaults what is generated when the user does not say
 */
public record ModelDescription(
    String family,
    Flow flow,
    Latents latents,
    TargetScale targetScale,
    Map<String, Object> scheduler,
    Map<String, Map<String, Object>> schedulers,
    Defaults defaults) {
  // What no published model comes near; a file that says more is damaged or hostile.
  private static final int MOST_CHANNELS = 1024;
  private static final int MOST_FACTOR = 256;
  private static final int MOST_FRAMES = 1 << 20;
  private static final int MOST_PIXELS = 1 << 14;
  private static final int MOST_STEPS = 10_000;
  private static final double MOST_FPS = 1000;
  private static final double MOST_SCALE = 1e6;

  public ModelDescription {
    checkArgument(!family.isBlank(), "family: expected a name, found none");
    scheduler = Map.copyOf(scheduler);
    schedulers = Map.copyOf(schedulers);
  }

  /**
   * The folder of the first denoiser in diffusers' layout, and prefix of its LoRA keys: {@code
   * transformer} or {@code unet}.
   */
  public String denoiser() {
    return flow.denoiser();
  }

  /** The checkpoint's own diffusion as one stage, over which a choice of stages is read. */
  public StageConfig vanillaStages() {
    return StageConfig.pyramid(1, latents.resampling()).withTargetScale(targetScale);
  }

  /** The same with another flow. */
  public ModelDescription withFlow(Flow other) {
    return new ModelDescription(
        family, other, latents, targetScale, scheduler, schedulers, defaults);
  }

  /** The same with other defaults. */
  public ModelDescription withDefaults(Defaults others) {
    return new ModelDescription(family, flow, latents, targetScale, scheduler, schedulers, others);
  }

  /** The same sampled as the fields of another {@code scheduler_config.json} say. */
  public ModelDescription withScheduler(Map<String, Object> other) {
    return new ModelDescription(family, flow, latents, targetScale, other, schedulers, defaults);
  }

  /**
   * The same sampled as one of {@link #schedulers}.
   *
   * @throws IllegalArgumentException if there is none of that name, naming those there are
   */
  public ModelDescription withScheduler(String name) {
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
   * @param firstMean that of the first latent frame where it has its own, else empty
   * @param firstStd that of the first latent frame where it has its own, else empty
   */
  public record Latents(
      int channels,
      int spatialFactor,
      int temporalFactor,
      boolean sharedFirstFrame,
      int maxFrames,
      int sizeMultiple,
      List<Double> mean,
      List<Double> std,
      List<Double> firstMean,
      List<Double> firstStd) {
    /**
     * @throws IllegalArgumentException if a factor is not positive, or mean and std are not one
     *     finite value a channel
     */
    public Latents {
      requireWithin("latents.channels", channels, MOST_CHANNELS);
      requireWithin("latents.spatial_factor", spatialFactor, MOST_FACTOR);
      requireWithin("latents.temporal_factor", temporalFactor, MOST_FACTOR);
      requireWithin("latents.max_frames", maxFrames, MOST_FRAMES);
      requireWithin("latents.size_multiple", sizeMultiple, MOST_PIXELS);
      checkArgument(
          sizeMultiple % spatialFactor == 0,
          "latents.size_multiple: expected a multiple of spatial_factor %s, found %s",
          spatialFactor,
          sizeMultiple);
      mean = requireFinite("latents.mean", mean, channels);
      std = requireSpread("latents.std", std, channels);
      firstMean =
          firstMean.isEmpty()
              ? firstMean
              : requireFinite("latents.first_mean", firstMean, channels);
      firstStd =
          firstStd.isEmpty() ? firstStd : requireSpread("latents.first_std", firstStd, channels);
    }

    /** Latents whose frames are all scaled alike. */
    public Latents(
        int channels,
        int spatialFactor,
        int temporalFactor,
        boolean sharedFirstFrame,
        int maxFrames,
        int sizeMultiple,
        List<Double> mean,
        List<Double> std) {
      this(
          channels,
          spatialFactor,
          temporalFactor,
          sharedFirstFrame,
          maxFrames,
          sizeMultiple,
          mean,
          std,
          List.of(),
          List.of());
    }

    /** The mean of a channel in a latent frame. */
    public double mean(int frame, int channel) {
      return (frame == 0 && !firstMean.isEmpty() ? firstMean : mean).get(channel);
    }

    /** The standard deviation of a channel in a latent frame. */
    public double std(int frame, int channel) {
      return (frame == 0 && !firstStd.isEmpty() ? firstStd : std).get(channel);
    }

    /** The same whose first frame has its own statistics, one value for all channels. */
    public Latents withFirstFrame(double ownMean, double ownStd) {
      return new Latents(
          channels,
          spatialFactor,
          temporalFactor,
          sharedFirstFrame,
          maxFrames,
          sizeMultiple,
          mean,
          std,
          Collections.nCopies(channels, ownMean),
          Collections.nCopies(channels, ownStd));
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
          std,
          firstMean,
          firstStd);
    }

    /** The same where height and width must be multiples of another number of pixels. */
    public Latents withSizeMultiple(int pixels) {
      return new Latents(
          channels,
          spatialFactor,
          temporalFactor,
          sharedFirstFrame,
          maxFrames,
          pixels,
          mean,
          std,
          firstMean,
          firstStd);
    }

    /** How frames are dropped and repeated between stages, unless something else is said. */
    public FrameResampling resampling() {
      return sharedFirstFrame
          ? FrameResampling.sharedFirstFrame()
          : FrameResampling.groupedFirstFrame();
    }

    /** The pixel frames that {@code latentFrames} latent frames stand for. */
    public int frames(int latentFrames) {
      int alone = sharedFirstFrame ? 1 : 0;
      return alone + Math.multiplyExact(latentFrames - alone, temporalFactor);
    }

    /**
     * The most pixel frames up to {@code most} whose latents divide into stages; where there are
     * none so few, the fewest that do.
     */
    public int framesFor(StageConfig stages, int most) {
      int latent = latentFrames(most);
      while (latent > 0 && !stages.fits(latent)) {
        latent--;
      }
      if (latent == 0) {
        latent = latentFrames(most) + 1;
        while (!stages.fits(latent)) {
          latent++;
        }
      }
      return frames(latent);
    }

    /**
     * The most pixels up to {@code most} of a side whose latents divide into stages; where there
     * are none so few, the fewest that do.
     *
     * @param axis height or width
     */
    public int sideFor(StageConfig stages, GridAxis axis, int most) {
      int multiple = multiple(stages, axis);
      return Math.max(1, most / multiple) * multiple;
    }

    /** What a side must be a multiple of to divide into stages, in pixels. */
    public int multiple(StageConfig stages, GridAxis axis) {
      return Math.multiplyExact(sizeMultiple, stages.largestStrides().along(axis));
    }

    /** The most latent frames that {@code frames} pixel frames fill; 0 if they fill none. */
    public int latentFrames(int frames) {
      int alone = sharedFirstFrame && frames >= 1 ? 1 : 0;
      return alone + (frames - alone) / temporalFactor;
    }
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
   * @param sigmas the noise levels at which the network is asked, in place of steps
   * @param timesteps the same on the checkpoint's own scale
   * @param stageGuidance guidance scale of each stage in sampling order, in place of the other
   * @param guidanceInterval noise levels between which guidance takes part
   */
  public record Defaults(
      int height,
      int width,
      int frames,
      double fps,
      int steps,
      double guidanceScale,
      Optional<NoiseLevels> sigmas,
      Optional<NoiseLevels> timesteps,
      List<Double> stageGuidance,
      Optional<NoiseLevels> guidanceInterval) {
    public Defaults {
      stageGuidance = List.copyOf(stageGuidance);
      checkArgument(
          sigmas.isEmpty() || timesteps.isEmpty(),
          "defaults.sigmas: expected them or timesteps, found both");
      requireWithin("defaults.height", height, MOST_PIXELS);
      requireWithin("defaults.width", width, MOST_PIXELS);
      requireWithin("defaults.frames", frames, MOST_FRAMES);
      requireWithin("defaults.steps", steps, MOST_STEPS);
      checkArgument(
          fps > 0 && fps <= MOST_FPS,
          "defaults.fps: expected more than 0 and at most %s, found %s",
          MOST_FPS,
          fps);
      checkArgument(
          Math.abs(guidanceScale) <= MOST_SCALE,
          "defaults.guidance_scale: expected at most %s either way, found %s",
          MOST_SCALE,
          guidanceScale);
    }

    /** Steps that the schedule spaces, and guidance in all of them. */
    public Defaults(
        int height, int width, int frames, double fps, int steps, double guidanceScale) {
      this(
          height,
          width,
          frames,
          fps,
          steps,
          guidanceScale,
          Optional.empty(),
          Optional.empty(),
          List.of(),
          Optional.empty());
    }

    /**
     * What the checkpoint at {@code path} says, in its {@link RecordJson#DEFAULTS_FILE}; without
     * one, {@code published}.
     *
     * @throws io.github.tpdiff.weights.CheckpointException if the file is damaged
     */
    public static Defaults at(Path path, Defaults published) {
      Path file = path.resolve(RecordJson.DEFAULTS_FILE);
      return Files.isRegularFile(file) ? RecordJson.DEFAULTS.read(file) : published;
    }
  }

  private static void requireWithin(String field, int value, int most) {
    checkArgument(
        value >= 1 && value <= most, "%s: expected from 1 to %s, found %s", field, most, value);
  }

  private static List<Double> requireSpread(String field, List<Double> values, int channels) {
    List<Double> spread = requireFinite(field, values, channels);
    checkArgument(
        spread.stream().allMatch(value -> value >= 1 / MOST_SCALE),
        "%s: expected at least %s each, found %s",
        field,
        1 / MOST_SCALE,
        values);
    return spread;
  }

  private static List<Double> requireFinite(String field, List<Double> values, int channels) {
    checkArgument(
        values.size() == channels && values.stream().allMatch(v -> Math.abs(v) <= MOST_SCALE),
        "%s: expected %s values of at most %s, one a channel, found %s",
        field,
        channels,
        MOST_SCALE,
        values);
    return List.copyOf(values);
  }
}
