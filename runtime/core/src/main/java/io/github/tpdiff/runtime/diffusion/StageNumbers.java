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
 *     in what rows and columns keep when they are dropped and repeated (see {@link StageLine}),
 *     which samplers ask who renew the noise
 */
public record StageNumbers(
    double predictionScale, Optional<Entry> entry, List<List<Double>> drift) {
  /**
   * {@code x = scale · U x_end + n}, n ~ N(0, R) with {@code R = variance · I − kept · U Uᵀ} and
   * {@code U = U_t ⊗ U_h ⊗ U_w}.
   *
   * @param scale a
   * @param rates of the stage over the one before; U_h and U_w follow from them
   * @param upsampling U_t, [frames][frames of the stage before]
   * @param variance σ_s²
   * @param kept a² σ_e²
   * @param overTime R of a stage whose rows and columns are those of the one before; else empty
   */
  public record Entry(
      double scale,
      GridFactor rates,
      List<List<Double>> upsampling,
      double variance,
      double kept,
      Optional<NoiseOverTime> overTime) {}

  /**
   * Noise that is independent over rows and columns: n = factor · z, z ~ N(0, I).
   *
   * @param covariance R, [frames][frames]
   * @param factor its symmetric square root
   */
  public record NoiseOverTime(List<List<Double>> covariance, List<List<Double>> factor) {}
}
