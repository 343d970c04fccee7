package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.madeup.Taps;
import io.github.tpdiff.weights.TensorInfo;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Weights that make Stable Diffusion's autoencoder a codec without training, so that a made-up
 * model shows pictures: per 8×8 pixels the local mean of brightness and two colour differences.
 *
 * <p>Everything is linear. Residual branches and attention add nothing. The two places that are not
 * linear are made so: before each output norm stand two constant channels, c and −c, so large that
 * the norm is that of the constants, and each signal with both signs, so that the mean is 0 and
 * silu(a) − silu(−a) = a gives the signal back. Decoding doubles the picture thrice with the kernel
 * (1 2 1)/4, which tends to quadratic splines; the encoder's last convolution turns means into
 * their coefficients.
 */
final class PictureCodec {
  private static final int WIDTH = 8;

  /** Latents of plain pictures get a deviation of about 1. */
  private static final double SCALING = 2;

  static final AutoencoderKlConfig CONFIG =
      new AutoencoderKlConfig(List.of(WIDTH, WIDTH, WIDTH, WIDTH), 1, 4, 1, SCALING);

  private static final int COLOURS = 3;

  /** Where the constants are, after both signs of the signals. */
  private static final int CONSTANTS = 2 * COLOURS;

  /** The norm is off by at most signal² / (2·CONSTANT²). */
  private static final float CONSTANT = 100;

  private static final double[][] TO_OPPONENT = {
    {1 / 3.0, 1 / 3.0, 1 / 3.0}, {1, 0, -1}, {-0.5, 1, -0.5}
  };
  private static final double[][] FROM_OPPONENT = {
    {1, 0.5, -1 / 3.0}, {1, 0, 2 / 3.0}, {1, -0.5, -1 / 3.0}
  };

  /** Pixels 2i and 2i + 1 of a halving convolution. */
  private static final double[] MEAN = {0.5, 0.5, 0};

  private static final double[] SMOOTH = {0.25, 0.5, 0.25};
  private static final double[] SPLINE = {-0.25, 1.5, -0.25};

  /** The values of a tensor, unless it may be anything. */
  Optional<float[]> find(TensorInfo info) {
    String name = info.name();
    var taps = new Taps(info);
    if (name.contains(".conv2.") || name.contains(".to_out.0.")) {
      return Optional.of(taps.values()); // zeros: nothing is added
    }
    if (name.endsWith("conv_norm_out.weight")) {
      // Two constants of WIDTH channels: their deviation is c·√(2 / WIDTH).
      return Optional.of(taps.fill(CONSTANT * (float) Math.sqrt(2.0 / WIDTH)).values());
    }
    if (name.endsWith("quant_conv.weight")) {
      return Optional.of(taps.identity(taps.extent(1)).values());
    }
    return named(name, taps).map(Taps::values);
  }

  private static Optional<Taps> named(String name, Taps taps) {
    var colours = new Taps.Channels(0, 0, COLOURS);
    return switch (name) {
      case "encoder.conv_in.weight" -> Optional.of(mix(taps, TO_OPPONENT, 0));
      case "encoder.down_blocks.0.downsamplers.0.conv.weight",
          "encoder.down_blocks.1.downsamplers.0.conv.weight" ->
          Optional.of(taps.spatial(1, colours, MEAN));
      case "encoder.down_blocks.2.downsamplers.0.conv.weight" -> Optional.of(bothSigns(taps, MEAN));
      case "decoder.up_blocks.2.upsamplers.0.conv.weight" -> Optional.of(bothSigns(taps, SMOOTH));
      case "encoder.down_blocks.2.downsamplers.0.conv.bias",
          "decoder.up_blocks.2.upsamplers.0.conv.bias" ->
          Optional.of(taps.set(CONSTANT, CONSTANTS).set(-CONSTANT, CONSTANTS + 1));
      case "encoder.conv_out.weight" ->
          Optional.of(
              taps.spatial(1, colours, SPLINE)
                  .spatial(-1, new Taps.Channels(0, COLOURS, COLOURS), SPLINE));
      case "decoder.conv_in.weight" -> Optional.of(taps.identity(COLOURS));
      case "decoder.up_blocks.0.upsamplers.0.conv.weight",
          "decoder.up_blocks.1.upsamplers.0.conv.weight" ->
          Optional.of(taps.spatial(1, colours, SMOOTH));
      case "decoder.conv_out.weight" ->
          Optional.of(mix(mix(taps, FROM_OPPONENT, 0), negative(FROM_OPPONENT), COLOURS));
      default -> Optional.empty();
    };
  }

  /** The signals, and again with the other sign. */
  private static Taps bothSigns(Taps taps, double[] filter) {
    return taps.spatial(1, new Taps.Channels(0, 0, COLOURS), filter)
        .spatial(-1, new Taps.Channels(COLOURS, 0, COLOURS), filter);
  }

  /** A matrix at each pixel, from input channel {@code from} on. */
  private static Taps mix(Taps taps, double[][] matrix, int from) {
    for (int out = 0; out < COLOURS; out++) {
      for (int in = 0; in < COLOURS; in++) {
        taps.present(matrix[out][in], out, from + in);
      }
    }
    return taps;
  }

  private static double[][] negative(double[][] matrix) {
    var negative = new double[matrix.length][];
    for (int i = 0; i < matrix.length; i++) {
      negative[i] = Arrays.stream(matrix[i]).map(value -> -value).toArray();
    }
    return negative;
  }
}
