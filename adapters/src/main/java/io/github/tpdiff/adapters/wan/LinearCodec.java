package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.madeup.Taps;
import io.github.tpdiff.weights.TensorInfo;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * Weights that make Wan's autoencoder a codec without training, so that a made-up model shows
 * pictures: per 8×8 pixels the local mean of brightness and two colour differences, and over each
 * group of four frames their mean and the three differences that restore every frame.
 *
 * <p>Everything is linear. Residual branches and attention add nothing. The two places that are not
 * linear are made so: before each output norm stands a constant channel so large that the norm is
 * that of the constant, and each signal goes through SiLU with both signs, whose difference is the
 * signal: silu(a) − silu(−a) = a. Decoding doubles the picture thrice with the kernel (1 2 1)/4,
 * which tends to quadratic splines; the encoder's last convolution turns means into their
 * coefficients.
 */
final class LinearCodec {
  private static final int COLOURS = WanVaeConfig.COLOURS;

  /** Deviations of the latents of pictures: for mean and differences in turn, of each colour. */
  static final List<Double> DEVIATIONS =
      List.of(0.5, 0.25, 0.25, 0.15, 0.08, 0.08, 0.08, 0.05, 0.05, 0.08, 0.05, 0.05);

  /** Channels of a latent. */
  private static final int SIGNALS = 4 * COLOURS;

  static final WanVaeConfig CONFIG =
      new WanVaeConfig(
          8,
          8,
          SIGNALS,
          WanVaeConfig.DIM_MULT,
          1,
          WanVaeConfig.TEMPORAL_DOWNSAMPLE,
          1,
          false,
          Collections.nCopies(SIGNALS, 0.0),
          DEVIATIONS);

  /** Where in the latent the differences lie: of frame pairs, and within either pair. */
  private static final int BETWEEN = COLOURS;

  private static final int WITHIN_FIRST = 2 * COLOURS;
  private static final int WITHIN_SECOND = 3 * COLOURS;

  /** The constant channel's value; the norm is off by at most signal² / (2·CONSTANT²). */
  static final float CONSTANT = 100;

  static final double[][] TO_OPPONENT = {
    {1 / 3.0, 1 / 3.0, 1 / 3.0}, {0.5, 0, -0.5}, {-0.25, 0.5, -0.25}
  };
  static final double[][] FROM_OPPONENT = {{1, 1, -2 / 3.0}, {1, 0, 4 / 3.0}, {1, -1, -2 / 3.0}};

  /** Pixels 2i and 2i + 1 of a halving convolution. */
  static final double[] MEAN = {0.5, 0.5, 0};

  static final double[] SMOOTH = {0.25, 0.5, 0.25};
  private static final double[] SPLINE = {-0.25, 1.5, -0.25};

  /** The values of a tensor, unless it may be anything. */
  Optional<float[]> find(TensorInfo info) {
    return named(info.name(), new Taps(info))
        .or(() -> passing(info.name(), new Taps(info)))
        .map(Taps::values);
  }

  /** What makes a codec linear, whatever it keeps of pictures. */
  static Optional<Taps> passing(String name, Taps taps) {
    if (name.contains(".conv2.") || name.contains(".attentions.0.proj.")) {
      return Optional.of(taps); // zeros: nothing is added
    }
    if (name.endsWith("norm_out.gamma")) {
      return Optional.of(taps.fill(CONSTANT / (float) Math.sqrt(taps.extent(0))));
    }
    return name.endsWith("conv_shortcut.weight") || name.endsWith("quant_conv.weight")
        ? Optional.of(taps.identity(taps.extent(1)))
        : Optional.empty();
  }

  private static Optional<Taps> named(String name, Taps taps) {
    var colours = new Taps.Channels(0, 0, COLOURS);
    return switch (name) {
      case "encoder.conv_in.weight" -> Optional.of(toOpponent(taps));
      case "encoder.down_blocks.1.resample.1.weight", "encoder.down_blocks.3.resample.1.weight" ->
          Optional.of(taps.spatial(1, colours, MEAN));
      case "encoder.down_blocks.3.time_conv.weight" -> Optional.of(joinFrames(taps));
      case "encoder.down_blocks.5.resample.1.weight" -> Optional.of(signSignals(taps));
      case "encoder.down_blocks.5.resample.1.bias", "encoder.down_blocks.5.time_conv.bias" ->
          Optional.of(taps.set(CONSTANT, 2 * SIGNALS));
      case "encoder.down_blocks.5.time_conv.weight" -> Optional.of(joinPairs(taps));
      case "encoder.conv_out.weight" ->
          Optional.of(
              taps.spatial(1, new Taps.Channels(0, 0, SIGNALS), SPLINE)
                  .spatial(-1, new Taps.Channels(0, SIGNALS, SIGNALS), SPLINE));
      case "decoder.conv_in.weight" -> Optional.of(taps.identity(SIGNALS));
      case "decoder.up_blocks.0.upsamplers.0.time_conv.weight" -> Optional.of(partPairs(taps));
      case "decoder.up_blocks.0.upsamplers.0.resample.1.weight" ->
          Optional.of(taps.spatial(1, new Taps.Channels(0, 0, 2 * COLOURS), SMOOTH));
      case "decoder.up_blocks.1.upsamplers.0.time_conv.weight" -> Optional.of(partFrames(taps));
      case "decoder.up_blocks.1.upsamplers.0.resample.1.weight" ->
          Optional.of(taps.spatial(1, colours, SMOOTH));
      case "decoder.up_blocks.2.upsamplers.0.resample.1.weight" ->
          Optional.of(
              taps.spatial(1, colours, SMOOTH)
                  .spatial(-1, new Taps.Channels(COLOURS, 0, COLOURS), SMOOTH));
      case "decoder.up_blocks.2.upsamplers.0.resample.1.bias" ->
          Optional.of(taps.set(CONSTANT, 2 * COLOURS));
      case "decoder.conv_out.weight" -> Optional.of(fromOpponent(taps));
      default -> Optional.empty();
    };
  }

  private static Taps toOpponent(Taps taps) {
    for (int out = 0; out < COLOURS; out++) {
      for (int in = 0; in < COLOURS; in++) {
        taps.present(TO_OPPONENT[out][in], out, in);
      }
    }
    return taps;
  }

  private static Taps fromOpponent(Taps taps) {
    for (int out = 0; out < COLOURS; out++) {
      for (int in = 0; in < COLOURS; in++) {
        taps.present(FROM_OPPONENT[out][in], out, in);
        taps.present(-FROM_OPPONENT[out][in], out, COLOURS + in);
      }
    }
    return taps;
  }

  /** Two frames to their mean and half their difference. */
  private static Taps joinFrames(Taps taps) {
    for (int i = 0; i < COLOURS; i++) {
      taps.set(0.5, i, i, 1).set(0.5, i, i, 2);
      taps.set(-0.5, COLOURS + i, i, 1).set(0.5, COLOURS + i, i, 2);
    }
    return taps;
  }

  /** Means and differences to their places in the latent, with both signs. */
  private static Taps signSignals(Taps taps) {
    return taps.spatial(1, new Taps.Channels(0, 0, COLOURS), MEAN)
        .spatial(1, new Taps.Channels(WITHIN_FIRST, COLOURS, COLOURS), MEAN)
        .spatial(-1, new Taps.Channels(SIGNALS, 0, COLOURS), MEAN)
        .spatial(-1, new Taps.Channels(SIGNALS + WITHIN_FIRST, COLOURS, COLOURS), MEAN);
  }

  /** Two frame pairs to the whole latent, with both signs. */
  private static Taps joinPairs(Taps taps) {
    for (int i = 0; i < COLOURS; i++) {
      for (int sign = 1; sign >= -1; sign -= 2) {
        int at = sign > 0 ? i : SIGNALS + i;
        taps.set(0.5 * sign, at, i, 1).set(0.5 * sign, at, i, 2);
        taps.set(-0.5 * sign, at + BETWEEN, i, 1).set(0.5 * sign, at + BETWEEN, i, 2);
        taps.set(sign, at + WITHIN_FIRST, WITHIN_FIRST + i, 1);
        taps.set(sign, at + WITHIN_SECOND, WITHIN_FIRST + i, 2);
      }
    }
    return taps;
  }

  /** A latent to two frame pairs; the earlier comes in the first half of the channels. */
  private static Taps partPairs(Taps taps) {
    int later = taps.extent(0) / 2;
    for (int i = 0; i < COLOURS; i++) {
      taps.set(1, i, i, 2).set(-1, i, BETWEEN + i, 2);
      taps.set(1, COLOURS + i, WITHIN_FIRST + i, 2);
      taps.set(1, later + i, i, 2).set(1, later + i, BETWEEN + i, 2);
      taps.set(1, later + COLOURS + i, WITHIN_SECOND + i, 2);
    }
    return taps;
  }

  private static Taps partFrames(Taps taps) {
    int later = taps.extent(0) / 2;
    for (int i = 0; i < COLOURS; i++) {
      taps.set(1, i, i, 2).set(-1, i, COLOURS + i, 2);
      taps.set(1, later + i, i, 2).set(1, later + i, COLOURS + i, 2);
    }
    return taps;
  }
}
