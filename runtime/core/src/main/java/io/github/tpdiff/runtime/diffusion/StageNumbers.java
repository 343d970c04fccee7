package io.github.tpdiff.runtime.diffusion;

import java.util.List;
import java.util.Optional;

/**
 * What happens to latents on the way into a stage and inside it, as numbers: for those who sample
 * without this code. Matrices act on frames, every channel and pixel alike; they are lists of rows.
 *
 * @param predictionScale what the network predicts in units of dy/dτ: its prediction is divided by
 *     this first
 * @param entry how the stage is entered from the end of the one before; empty for the first, which
 *     begins with noise
 * @param drift [frames][frames]; of the slope dy/dτ all but {@code drift · (y − τ·dy/dτ)} is noise
 *     (see {@link StageLine}), which samplers ask who renew the noise
 */
public record StageNumbers(
    double predictionScale, Optional<Entry> entry, List<List<Double>> drift) {
  /**
   * {@code x = scale · upsampling · x_end + noiseFactor · z}, z ~ N(0, I) at the stage's own
   * frames.
   *
   * @param scale a
   * @param upsampling U, [frames][frames of the stage before]
   * @param noiseCovariance R of the added noise, [frames][frames]
   * @param noiseFactor the symmetric square root of R
   */
  public record Entry(
      double scale,
      List<List<Double>> upsampling,
      List<List<Double>> noiseCovariance,
      List<List<Double>> noiseFactor) {}
}
