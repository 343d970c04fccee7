package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.SpaceResampling;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PictureUse;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An exported folder's sampling for readers without this code, as {@value #FILE}: every number that
 * {@code tpdiff run} comes to at the folder's defaults, and every rule in words.
 *
 * <p>Nothing here reads it back: it says what the folder's other files lead to.
 *
 * @param version of this format; a later minor version adds fields
 * @param defaults what is generated when nothing is said
 * @param diffusion the mathematics
 * @param pyramid what all stages have in common
 * @param stages in sampling order, the coarsest first
 * @param latents what the decoder is given is {@code x · std + mean}, per channel; the first latent
 *     frame has its own where {@code first_mean} is not empty
 * @param texts how a prompt becomes tokens
 * @param encoders the graphs that prompts and pictures run through, in this order
 * @param conditions what the denoisers are told, by name
 * @param sizes of the symbols in shapes that no clip decides
 * @param denoisers by falling time: each is asked from its least timestep up to that of the one
 *     before
 * @param decoder latents to frames, where there is one
 * @param pictures how pictures become conditions, of models that are told of them so
 * @param graphs all that there are, with what flows in and out
 */
record SamplingGuide(
    String version,
    String family,
    Defaults defaults,
    Diffusion diffusion,
    PyramidGuide pyramid,
    List<StageGuide> stages,
    ModelDescription.Latents latents,
    List<TextGuide> texts,
    List<String> encoders,
    List<Condition> conditions,
    Map<String, Long> sizes,
    List<DenoiserGuide> denoisers,
    Optional<CodecGuide> decoder,
    Optional<PictureGuide> pictures,
    List<GraphGuide> graphs) {
  static final String FILE = "tpdiff_sampling.json";
  static final String VERSION = "1.3";

  /**
   * What is generated when nothing is said.
   *
   * @param latentShape [1, channels, frames, height, width] of the last stage
   */
  record Defaults(
      int frames,
      int height,
      int width,
      double fps,
      int steps,
      int seed,
      String negativePrompt,
      List<Integer> latentShape) {}

  /**
   * The mathematics.
   *
   * @param form flow_matching or variance_preserving
   * @param latents how a noisy latent is made of data and noise
   * @param line the coordinates in which a stage is a straight line
   * @param predicts flow, epsilon, v_prediction or sample
   * @param slope dy/dτ from what the network predicts
   * @param guidance how predictions under the prompt and the negative prompt become one
   * @param stageGuidance guidance scale of each stage in sampling order, in place of the
   *     denoisers'; empty for those
   * @param guidanceInterval noise levels tau, from and to, between which guidance takes part: one
   *     pair for all stages or one for each, empty in a stage without guidance; none for all levels
   * @param givenSteps whether the steps were said one by one and do not follow from a number
   * @param solver inside a stage
   * @param noise which numbers are drawn, and when
   */
  record Diffusion(
      String form,
      String latents,
      String line,
      String predicts,
      String slope,
      String guidance,
      List<Double> stageGuidance,
      List<List<Double>> guidanceInterval,
      boolean givenSteps,
      String solver,
      String noise,
      ScheduleGuide schedule) {}

  /**
   * What the times of steps follow from.
   *
   * @param shift of flow matching
   * @param stepsOffset of the other form
   * @param finalTime of the other form: where the last step ends
   * @param alphasCumprod of the other form: ᾱ at timesteps 0, 1, …
   */
  record ScheduleGuide(
      String spacing,
      int trainTimesteps,
      Optional<Double> shift,
      Optional<Integer> stepsOffset,
      Optional<Double> finalTime,
      List<Double> alphasCumprod) {}

  /**
   * What all stages have in common.
   *
   * @param space how rows and columns are dropped and repeated
   * @param targets whether a stage's clean latents are those of the video with places dropped, or
   *     those of a smaller video
   */
  record PyramidGuide(SpaceResampling space, Targets targets) {}

  /** A number along each axis of latents. */
  record Axes(int time, int height, int width) {
    static Axes of(GridFactor factor) {
      return new Axes(factor.time(), factor.height(), factor.width());
    }
  }

  /**
   * One stage. What depends on rows and columns follows from {@code strides} at any size.
   *
   * @param stage its number; 1 is the last, the whole video
   * @param latentShape [1, channels, frames, height, width] at the defaults
   * @param frames latent frames
   * @param stride full-rate frames from one of its frames to the next
   * @param strides the same along each axis
   * @param positions what the network is told of the frames
   * @param positionStrides place i is told to be at i times this
   * @param start the time at which sampling enters it, from 1 (noise) to 0 (data)
   * @param end the time at which sampling leaves it
   * @param drift over the frames of what rows and columns keep when they are dropped and repeated;
   *     empty where the stages do not say it
   * @param droppedDrift of what they do not keep
   */
  record StageGuide(
      int stage,
      List<Integer> latentShape,
      int frames,
      int stride,
      Axes strides,
      List<Integer> positions,
      Axes positionStrides,
      double start,
      double end,
      double predictionScale,
      Optional<EntryGuide> entry,
      Optional<List<List<Double>>> drift,
      double droppedDrift,
      List<StepGuide> steps) {}

  /**
   * How a stage is entered from the end of the one before: {@code x = scale · U x_end + n}, the
   * covariance of n being {@code variance · I − kept · U Uᵀ}.
   *
   * @param rates places of the stage for one of the stage before
   * @param upsampling U over the frames; rows and columns follow from rates and space
   * @param noiseCovariance of n over the frames, where rows and columns are those of the stage
   *     before
   * @param noiseFactor its symmetric square root
   */
  record EntryGuide(
      double scale,
      Axes rates,
      List<List<Double>> upsampling,
      double variance,
      double kept,
      Optional<List<List<Double>>> noiseCovariance,
      Optional<List<List<Double>>> noiseFactor) {}

  /**
   * One step of the solver, from a point to the next.
   *
   * @param timestep what the network is told at its beginning
   */
  record StepGuide(double timestep, Point from, Point to) {}

  /** A time in [0, 1] with the shares of data and noise there. */
  record Point(double time, double gamma, double sigma) {}

  /**
   * One text.
   *
   * @param rule in words
   */
  record TextGuide(String tokenizer, int maxLength, String cleaning, String padding, String rule) {}

  /**
   * One denoiser.
   *
   * @param conditioning the graph before it that does not depend on the step
   */
  record DenoiserGuide(
      String component,
      Optional<String> conditioning,
      double leastTimestep,
      double guidanceScale) {}

  /**
   * The decoder or the encoder of an autoencoder, which takes one latent frame, or the pixel frames
   * of one, after the other.
   *
   * @param first the graph of the first; empty where it is that of all
   * @param next the graph of all others
   * @param input what it is given
   * @param output what it gives
   * @param rule how state passes from one to the next
   */
  record CodecGuide(
      Optional<String> first, String next, String input, String output, String rule) {}

  /**
   * How pictures become conditions.
   *
   * @param condition what the encoder's latents become a part of
   * @param maskChannels its channels in front of those of latents
   * @param use what pictures become, and how they come to their size
   * @param encoder frames to latents
   * @param rule in words
   */
  record PictureGuide(
      String condition, int maskChannels, PictureUse use, CodecGuide encoder, String rule) {}

  /**
   * One graph.
   *
   * @param runs when
   * @param precision its word
   */
  record GraphGuide(
      String component,
      String file,
      String runs,
      Precision precision,
      Map<String, ValueGuide> inputs,
      Map<String, ValueGuide> outputs) {}

  /**
   * An input or output.
   *
   * @param value the name of what flows through it
   * @param type f32 or i64
   * @param shape numbers, symbols and sums of them
   */
  record ValueGuide(String value, String type, List<String> shape, String meaning) {}
}
