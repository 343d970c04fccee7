package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/**
 * How much of clips changes how fast over frames, rows and columns: the mean power of each triple
 * of frequencies.
 *
 * <p>Frequency k of N places is the k-th function of the orthonormal cosine transform (DCT-II),
 * which does not see the jump between last and first place that a Fourier transform sees. White
 * noise of variance 1 has power 1 everywhere.
 *
 * @param grid of the clips, given frames too
 * @param power P(k_t, k_h, k_w), the last the fastest, over the frames that are not given
 * @param given first frames that are left out, since pictures give them and nothing of them can be
 *     lost
 */
public record LatentSpectrum(LatentGrid grid, List<Double> power, int given) {

  /**
   * @throws IllegalArgumentException if there is not one power for each place that is not given, or
   *     one is negative
   */
  public LatentSpectrum {
    power = List.copyOf(power);
    checkArgument(
        given >= 0 && given < grid.frames(),
        "spectrum: at least one frame that is not given, found %s of %s",
        given,
        grid.frames());
    int places = (grid.frames() - given) * grid.height() * grid.width();
    checkArgument(
        power.size() == places, "spectrum: expected %s powers, found %s", places, power.size());
    for (double p : power) {
      checkArgument(
          p >= 0 && Double.isFinite(p), "spectrum: powers must be at least 0, found %s", p);
    }
  }

  /**
   * The spectrum of clips of one size, over all their channels.
   *
   * @param given first frames that pictures give
   * @throws IllegalArgumentException if there is no clip or their sizes differ
   */
  public static LatentSpectrum of(List<Latents> clips, int given) {
    checkArgument(!clips.isEmpty(), "spectrum: at least one clip");
    LatentGrid grid = clips.get(0).shape().grid();
    int places = (grid.frames() - given) * grid.height() * grid.width();
    double[] sums = new double[places];
    long channels = 0;
    for (Latents clip : clips) {
      checkArgument(
          clip.shape().grid().equals(grid),
          "spectrum: clips of one size, found %s and %s",
          grid,
          clip.shape().grid());
      float[] coefficients = cosines(clip.withoutFrames(given)).data();
      for (int i = 0; i < coefficients.length; i++) {
        sums[i % places] += (double) coefficients[i] * coefficients[i];
      }
      channels += coefficients.length / places;
    }
    double count = channels;
    return new LatentSpectrum(
        grid, Arrays.stream(sums).map(sum -> sum / count).boxed().toList(), given);
  }

  private static Latents cosines(Latents clip) {
    Latents transformed = clip;
    for (GridAxis axis : GridAxis.values()) {
      transformed = cosines(clip.shape().grid().along(axis)).apply(transformed, axis);
    }
    return transformed;
  }

  private static AxisMatrix cosines(int places) {
    var cosines = new AxisMatrix(places, places);
    for (int k = 0; k < places; k++) {
      double norm = Math.sqrt((k == 0 ? 1.0 : 2.0) / places);
      for (int n = 0; n < places; n++) {
        cosines.set(k, n, norm * Math.cos(Math.PI * k * (n + 0.5) / places));
      }
    }
    return cosines;
  }

  /** The share of all power that strides discard: 0 of clips that do not change. */
  public double powerLost(GridFactor strides) {
    double all = power.stream().mapToDouble(Double::doubleValue).sum();
    return all == 0 ? 0 : sumLost(strides, p -> p) / all;
  }

  /**
   * What strides discard, per latent frame, channel, row and column, in nats, as far as noise at
   * time t still shows it: {@code ½·Σ log(1 + γ_t² P / σ_t²) / (F·H·W)} over the frequencies that
   * the smaller grid cannot hold: those with {@code k·r ≥ N} along an axis of N places and stride
   * r.
   */
  public double informationLost(GridFactor strides, DiffusionForm form, double t) {
    double ratio = form.gamma(t) / form.sigma(t);
    return sumLost(strides, p -> 0.5 * Math.log1p(ratio * ratio * p)) / power.size();
  }

  private double sumLost(GridFactor strides, DoubleUnaryOperator value) {
    int frames = grid.frames() - given;
    double sum = 0;
    int i = 0;
    for (int t = 0; t < frames; t++) {
      boolean frameLost = isLost(t, strides.time(), frames);
      for (int row = 0; row < grid.height(); row++) {
        boolean rowLost = frameLost || isLost(row, strides.height(), grid.height());
        for (int column = 0; column < grid.width(); column++, i++) {
          if (rowLost || isLost(column, strides.width(), grid.width())) {
            sum += value.applyAsDouble(power.get(i));
          }
        }
      }
    }
    return sum;
  }

  private static boolean isLost(int frequency, int stride, int places) {
    return (long) frequency * stride >= places;
  }
}
