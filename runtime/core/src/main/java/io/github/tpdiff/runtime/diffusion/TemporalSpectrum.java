package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Arrays;
import java.util.List;

/**
 * How much of clips changes how fast: the mean power of each frequency over time.
 *
 * <p>Frequency k of F frames is the k-th function of the orthonormal cosine transform (DCT-II),
 * which does not see the jump between last and first frame that a Fourier transform sees. White
 * noise of variance 1 has power 1 everywhere.
 *
 * @param power P(k), k = 0 … F − 1
 * @param given first frames that are not among the F, since pictures give them and nothing of them
 *     can be lost
 */
public record TemporalSpectrum(List<Double> power, int given) {

  /**
   * @throws IllegalArgumentException if there is no frequency or a power is negative
   */
  public TemporalSpectrum {
    power = List.copyOf(power);
    checkArgument(!power.isEmpty(), "spectrum: at least one frequency");
    checkArgument(
        power.stream().allMatch(p -> p >= 0 && Double.isFinite(p)),
        "spectrum: powers must be at least 0, found %s",
        power);
  }

  /** Of clips of which no frame is given. */
  public TemporalSpectrum(List<Double> power) {
    this(power, 0);
  }

  /**
   * The spectrum of clips of one length, over all their channels and pixels.
   *
   * @param given first frames that pictures give
   * @throws IllegalArgumentException if there is no clip or their lengths differ
   */
  public static TemporalSpectrum of(List<Latents> clips, int given) {
    TemporalSpectrum rest = of(clips.stream().map(clip -> clip.withoutFrames(given)).toList());
    return new TemporalSpectrum(rest.power, given);
  }

  /**
   * The spectrum of clips of which no frame is given.
   *
   * @throws IllegalArgumentException if there is no clip or their lengths differ
   */
  public static TemporalSpectrum of(List<Latents> clips) {
    checkArgument(!clips.isEmpty(), "spectrum: at least one clip");
    int frames = clips.get(0).frames();
    double[] sums = new double[frames];
    long series = 0;
    AxisMatrix cosines = cosines(frames);
    for (Latents clip : clips) {
      checkArgument(
          clip.frames() == frames,
          "spectrum: clips of one length, found %s and %s frames",
          frames,
          clip.frames());
      addPower(sums, cosines.apply(clip, GridAxis.TIME));
      series += clip.shape().elements() / frames;
    }
    double count = series;
    return new TemporalSpectrum(Arrays.stream(sums).map(sum -> sum / count).boxed().toList());
  }

  private static AxisMatrix cosines(int frames) {
    var cosines = new AxisMatrix(frames, frames);
    for (int k = 0; k < frames; k++) {
      double norm = Math.sqrt((k == 0 ? 1.0 : 2.0) / frames);
      for (int n = 0; n < frames; n++) {
        cosines.set(k, n, norm * Math.cos(Math.PI * k * (n + 0.5) / frames));
      }
    }
    return cosines;
  }

  private static void addPower(double[] sums, Latents coefficients) {
    int pixels = coefficients.shape().pixels();
    float[] data = coefficients.data();
    for (int i = 0; i < data.length; i++) {
      sums[i / pixels % sums.length] += (double) data[i] * data[i];
    }
  }

  /** The number of frames that clips have, given ones too. */
  public int frames() {
    return given + power.size();
  }

  /** The share of all power that a stride discards: 0 of clips that do not change. */
  public double powerLost(int stride) {
    double lost = 0;
    double all = 0;
    for (int k = 0; k < power.size(); k++) {
      all += power.get(k);
      lost += isLost(k, stride) ? power.get(k) : 0;
    }
    return all == 0 ? 0 : lost / all;
  }

  private boolean isLost(int k, int stride) {
    return (long) k * stride >= power.size();
  }

  /**
   * What a stride discards, per frame of one channel and pixel, in nats, as far as noise at time t
   * still shows it: {@code ½·Σ log(1 + γ_t² P(k) / σ_t²) / F} over the frequencies that a clip of
   * F/r frames cannot hold.
   */
  public double informationLost(int stride, DiffusionForm form, double t) {
    double ratio = form.gamma(t) / form.sigma(t);
    double sum = 0;
    for (int k = 0; k < power.size(); k++) {
      if (isLost(k, stride)) {
        sum += 0.5 * Math.log1p(ratio * ratio * power.get(k));
      }
    }
    return sum / power.size();
  }
}
