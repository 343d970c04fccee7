package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.util.Arrays;
import java.util.Random;

/**
 * The colours that latents nearly have: a linear map from latent channels to red, green and blue.
 * It shows what a sampling comes to, step by step, without a VAE; a picture has one pixel for each
 * latent of a frame.
 *
 * <p>The map is fitted to what the model's own decoder makes of latents, so that it holds for every
 * family: {@code rgb ≈ W z + b} by least squares, where z is a denormalised latent and rgb the mean
 * of the pixels that it stands for ({@link LatentRgbFit}). The VAEs of video models are close to
 * linear at this scale; what they add is texture.
 */
public final class LatentRgb {
  /** Patches of one colour in a probe, along each side. */
  private static final int PATCHES = 8;

  /** Latents of a patch along each side: a decoder sees beyond a single latent. */
  private static final int PATCH = 3;

  /**
   * Standard deviation of a probe's latents; with that of noise, 1, more pixels would be clipped.
   */
  private static final double SPREAD = 0.5;

  private final ModelDescription.Latents geometry;
  private final double[] map;

  /**
   * @param map [C + 1, 3], row-major; the last row is the colour of zeros
   */
  LatentRgb(ModelDescription.Latents geometry, double... map) {
    this.geometry = geometry;
    this.map = map;
  }

  /**
   * Fits the map to one small decode: a latent frame of {@value #PATCHES} × {@value #PATCHES}
   * patches, each of random latents. Loads the decoder and frees it.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if there is no decoder
   */
  public static LatentRgb probe(PipelineParts parts) {
    ModelDescription.Latents geometry = parts.description().latents();
    Latents patches = patches(geometry.channels());
    var fit = new LatentRgbFit(geometry, patches);
    try (var decoder = VaeDecoder.open(parts)) {
      decoder.decode(patches, 1, fit);
    }
    return fit.solve();
  }

  private static Latents patches(int channels) {
    int side = PATCHES * PATCH;
    Latents patches = Latents.zeros(new LatentShape(1, channels, 1, side, side));
    var random = new Random(0);
    for (int block = 0; block < channels * PATCHES; block++) {
      for (int patch = 0; patch < PATCHES; patch++) {
        float value = (float) (SPREAD * random.nextGaussian());
        for (int row = block * PATCH; row < (block + 1) * PATCH; row++) {
          int from = row * side + patch * PATCH;
          Arrays.fill(patches.data(), from, from + PATCH, value);
        }
      }
    }
    return patches;
  }

  /**
   * The colours of one latent frame, a pixel for each latent; what lies outside [-1, 1] is clipped.
   *
   * @param latents normalised, [1, C, F, H, W], of any stage
   * @param frame from 0 to F − 1
   * @throws IllegalArgumentException if the latents are not one clip of the model's channels, or
   *     there is no such frame
   */
  public VideoFrame frame(Latents latents, int frame) {
    LatentShape shape = latents.shape();
    requireClip(geometry, latents);
    checkArgument(
        frame >= 0 && frame < shape.frames(),
        "frame: expected 0 to %s, found %s",
        shape.frames() - 1,
        frame);
    int pixels = shape.pixels();
    var rgb = new float[3 * pixels];
    var z = new double[geometry.channels() + 1];
    for (int i = 0; i < pixels; i++) {
      denormalise(geometry, latents, frame, i, z);
      for (int colour = 0; colour < 3; colour++) {
        double sum = 0;
        for (int c = 0; c < z.length; c++) {
          sum += z[c] * map[c * 3 + colour];
        }
        rgb[colour * pixels + i] = (float) Math.max(-1, Math.min(1, sum));
      }
    }
    return new VideoFrame(rgb, shape.height(), shape.width(), 0);
  }

  static void requireClip(ModelDescription.Latents geometry, Latents latents) {
    checkArgument(
        latents.shape().batch() == 1 && latents.shape().channels() == geometry.channels(),
        "latents: expected one clip of %s channels, found %s",
        geometry.channels(),
        latents.shape());
  }

  /** One latent as the decoder takes it, and 1. */
  static void denormalise(
      ModelDescription.Latents geometry, Latents latents, int frame, int pixel, double[] z) {
    int pixels = latents.shape().pixels();
    for (int c = 0; c < geometry.channels(); c++) {
      float value = latents.data()[(c * latents.frames() + frame) * pixels + pixel];
      z[c] = value * geometry.std(frame, c) + geometry.mean(frame, c);
    }
    z[geometry.channels()] = 1;
  }
}
