package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LatentSpectrumTest {
  private static final DiffusionForm FLOW =
      new FlowSchedule(FlowSchedule.Spacing.FLOW_MATCH_EULER, 3).form();

  /** Frequencies over time alone: of clips of one row and column. */
  static LatentSpectrum overTime(List<Double> power) {
    return new LatentSpectrum(new LatentGrid(power.size(), 1, 1), power, 0);
  }

  private static Latents noise(LatentShape shape, long seed) {
    return new TorchRandom(seed).draw(shape);
  }

  @Test
  void whiteNoise_hasPowerOneEverywhere() {
    var spectrum = LatentSpectrum.of(List.of(noise(new LatentShape(1, 4096, 4, 3, 2), 1)), 0);
    assertThat(spectrum.power()).hasSize(24);
    for (double power : spectrum.power()) {
      // 4096 series: the standard error of a mean square is √(2/4096) = 0.022.
      assertThat(power).isCloseTo(1, within(0.1));
    }
  }

  @Test
  void power_isThatOfTheTransformWrittenOut() {
    var shape = new LatentShape(1, 2, 3, 4, 2);
    List<Latents> clips = List.of(noise(shape, 1), noise(shape, 2));
    LatentSpectrum spectrum = LatentSpectrum.of(clips, 0);
    for (int kt = 0; kt < 3; kt++) {
      for (int kh = 0; kh < 4; kh++) {
        for (int kw = 0; kw < 2; kw++) {
          double sum = 0;
          for (Latents clip : clips) {
            for (int c = 0; c < 2; c++) {
              sum += Math.pow(coefficient(clip, c, kt, kh, kw), 2);
            }
          }
          assertThat(spectrum.power().get((kt * 4 + kh) * 2 + kw)).isCloseTo(sum / 4, within(1e-5));
        }
      }
    }
  }

  /** Σ_n x_n Π_axis √(c_k/N) cos(π k (n + ½) / N), c_0 = 1, else 2. */
  private static double coefficient(Latents clip, int channel, int kt, int kh, int kw) {
    LatentShape s = clip.shape();
    double sum = 0;
    for (int f = 0; f < s.frames(); f++) {
      for (int h = 0; h < s.height(); h++) {
        for (int w = 0; w < s.width(); w++) {
          double x = clip.data()[((channel * s.frames() + f) * s.height() + h) * s.width() + w];
          sum += x * wave(kt, f, s.frames()) * wave(kh, h, s.height()) * wave(kw, w, s.width());
        }
      }
    }
    return sum;
  }

  private static double wave(int k, int n, int places) {
    return Math.sqrt((k == 0 ? 1.0 : 2.0) / places) * Math.cos(Math.PI * k * (n + 0.5) / places);
  }

  @Test
  void stillClips_haveAllTheirPowerAtFrequencyZero() {
    float[] data = new float[8];
    Arrays.fill(data, 0.5f);
    var spectrum = LatentSpectrum.of(List.of(Latents.of(new LatentShape(1, 1, 8, 1, 1), data)), 0);
    assertThat(spectrum.power().get(0)).isCloseTo(8 * 0.25, within(1e-6));
    for (int k = 1; k < 8; k++) {
      assertThat(spectrum.power().get(k)).isCloseTo(0, within(1e-12));
    }
  }

  @Test
  void informationLost_isTheGaussianChannelsCapacityInTheDiscardedBand() {
    var spectrum = overTime(List.of(9.0, 4.0, 1.0, 3.0));
    // σ = 0.5 gives γ²/σ² = 1; stride 2 discards frequencies 2 and 3, stride 4 also 1.
    double half = 0.5 * (Math.log(2) + Math.log(4)) / 4;
    assertThat(spectrum.informationLost(GridFactor.ofTime(2), FLOW, 0.5))
        .isCloseTo(half, within(1e-12));
    assertThat(spectrum.informationLost(GridFactor.ofTime(4), FLOW, 0.5))
        .isCloseTo(half + 0.5 * Math.log(5) / 4, within(1e-12));
    assertThat(spectrum.informationLost(GridFactor.ONE, FLOW, 0.5)).isZero();
  }

  /** As if each axis' band were discarded in turn, what two discard counted once. */
  @Test
  void informationLost_alongSeveralAxesIsOfEveryFrequencyThatOneDiscards() {
    var spectrum =
        new LatentSpectrum(
            new LatentGrid(2, 2, 2), List.of(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0), 0);
    // Kept by [2, 2, 2] is frequency (0, 0, 0) alone; by [1, 2, 2] (1, 0, 0) too, of power 5.
    double all = nats(2, 3, 4, 5, 6, 7, 8);
    assertThat(spectrum.informationLost(GridFactor.cube(2), FLOW, 0.5))
        .isCloseTo(all, within(1e-12));
    assertThat(spectrum.informationLost(new GridFactor(1, 2, 2), FLOW, 0.5))
        .isCloseTo(all - nats(5), within(1e-12));
    assertThat(spectrum.informationLost(GridFactor.ofTime(2), FLOW, 0.5))
        .isCloseTo(nats(5, 6, 7, 8), within(1e-12));
    assertThat(spectrum.powerLost(GridFactor.ofTime(2))).isCloseTo(26.0 / 36, within(1e-12));
  }

  /** Per value of a grid of eight places, at a signal-to-noise ratio of 1. */
  private static double nats(double... powers) {
    return Arrays.stream(powers).map(p -> 0.5 * Math.log(1 + p)).sum() / 8;
  }

  /**
   * What is measured over time alone takes all pixels for alike, as if each had the mean power: it
   * is the same where that is so, and more where a few frequencies over space have it all.
   */
  @Test
  void informationLostOfFrames_isThatOfPixelsTakenAlikeOrLess() {
    var shape = new LatentShape(1, 64, 4, 4, 4);
    for (boolean smooth : new boolean[] {false, true}) {
      Latents clip = noise(smooth ? shape.withGrid(new LatentGrid(4, 1, 1)) : shape, 3);
      var spectrum = LatentSpectrum.of(List.of(smooth ? spread(clip, shape) : clip), 0);
      var alike = overTime(meanOverSpace(spectrum));
      double taken = alike.informationLost(GridFactor.ofTime(2), FLOW, 0.5);
      double lost = spectrum.informationLost(GridFactor.ofTime(2), FLOW, 0.5);
      assertThat(lost / taken).isBetween(smooth ? 0.2 : 0.97, smooth ? 0.3 : 1.0);
    }
  }

  private static Latents spread(Latents pixels, LatentShape shape) {
    float[] data = new float[shape.elements()];
    for (int i = 0; i < data.length; i++) {
      data[i] = pixels.data()[i / shape.pixels()];
    }
    return Latents.of(shape, data);
  }

  private static List<Double> meanOverSpace(LatentSpectrum spectrum) {
    int pixels = spectrum.grid().height() * spectrum.grid().width();
    Double[] means = new Double[spectrum.grid().frames()];
    for (int k = 0; k < means.length; k++) {
      means[k] =
          spectrum.power().subList(k * pixels, (k + 1) * pixels).stream()
              .mapToDouble(p -> p)
              .average()
              .orElseThrow();
    }
    return List.of(means);
  }

  /**
   * As many frequencies are kept as the smaller grid has places, and what D leaves of them says
   * which they were, for both D and with a first frame that stands alone or not: nothing is lost of
   * a clip that has no others, and of any other nothing more could be held.
   */
  @Test
  void keptFrequencies_areFoundAgainFromWhatIsLeftOfThem() {
    for (Downsampling down : Downsampling.values()) {
      for (int alone = 0; alone < 2; alone++) {
        for (int stride : new int[] {2, 4}) {
          int places = 8 + alone;
          AxisMatrix d = new AxisResampling(down, Upsampling.NEAREST, alone).down(places, stride);
          int kept = keptBy(stride, places);
          assertThat(kept).isEqualTo(d.rows());
          var amplitudes = new TorchRandom(stride).draw(new LatentShape(1, 1, kept, 1, 1));
          AxisMatrix waves = waves(places, kept);
          Latents left = d.apply(waves.apply(amplitudes, GridAxis.TIME), GridAxis.TIME);
          Latents found = d.times(waves).inverse().apply(left, GridAxis.TIME);
          assertThat(found.data()).containsExactly(amplitudes.data(), offset(1e-5f));
        }
      }
    }
  }

  /** Frequencies that count for nothing lost, of a spectrum that has power in one alone. */
  private static int keptBy(int stride, int places) {
    int kept = 0;
    for (int k = 0; k < places; k++) {
      var power = new Double[places];
      Arrays.fill(power, 0.0);
      power[k] = 1.0;
      kept += overTime(List.of(power)).powerLost(GridFactor.ofTime(stride)) == 0 ? 1 : 0;
    }
    return kept;
  }

  /** One of the lowest frequencies in each column. */
  private static AxisMatrix waves(int places, int kept) {
    var waves = new AxisMatrix(places, kept);
    for (int k = 0; k < kept; k++) {
      for (int n = 0; n < places; n++) {
        waves.set(n, k, wave(k, n, places));
      }
    }
    return waves;
  }

  @Test
  void givenFrames_areLeftOut() {
    var shape = new LatentShape(1, 2, 5, 2, 2);
    Latents clip = noise(shape, 4);
    Latents other = noise(shape, 4);
    Arrays.fill(other.data(), 0, 4, 100);
    Arrays.fill(other.data(), 20, 24, 100);
    LatentSpectrum spectrum = LatentSpectrum.of(List.of(other), 1);
    assertThat(spectrum.power()).isEqualTo(LatentSpectrum.of(List.of(clip), 1).power());
    assertThat(spectrum.grid()).isEqualTo(shape.grid());
    assertThat(spectrum.power()).hasSize(16);
  }

  @Test
  void clipsOfSeveralSizesAndPowersThatAreNone_areRefused() {
    var random = new Random(1);
    assertThatThrownBy(
            () ->
                LatentSpectrum.of(
                    List.of(
                        noise(new LatentShape(1, 1, 2, 2, 2), random.nextLong()),
                        noise(new LatentShape(1, 1, 2, 2, 4), random.nextLong())),
                    0))
        .hasMessageContaining("clips of one size, found [2, 2, 2] and [2, 2, 4]");
    assertThatThrownBy(() -> new LatentSpectrum(new LatentGrid(2, 1, 1), List.of(1.0), 0))
        .hasMessageContaining("expected 2 powers, found 1");
    assertThatThrownBy(() -> overTime(List.of(1.0, -1.0)))
        .hasMessageContaining("powers must be at least 0, found -1.0");
    assertThatThrownBy(
            () -> new LatentSpectrum(new LatentGrid(1, 1, 1), Collections.nCopies(0, 1.0), 1))
        .hasMessageContaining("at least one frame that is not given, found 1 of 1");
  }

  @Test
  void powerThatIsLost_isTheShareOfTheDiscardedFrequencies() {
    var spectrum = overTime(List.of(9.0, 4.0, 1.0, 3.0));
    assertThat(spectrum.powerLost(GridFactor.ofTime(2))).isCloseTo(4.0 / 17, within(1e-12));
    assertThat(spectrum.powerLost(GridFactor.ofTime(4))).isCloseTo(8.0 / 17, within(1e-12));
    assertThat(overTime(List.of(0.0, 0.0)).powerLost(GridFactor.ofTime(2))).isZero();
  }
}
