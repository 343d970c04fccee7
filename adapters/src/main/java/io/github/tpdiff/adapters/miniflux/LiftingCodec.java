package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.madeup.Taps;
import io.github.tpdiff.adapters.miniflux.CausalVideoVaeConfig.Level;
import io.github.tpdiff.weights.TensorInfo;
import java.util.List;
import java.util.Optional;

/**
 * Weights that make the causal autoencoder a codec without training, so that a made-up model shows
 * pictures: per 8×8 pixels the local mean of brightness and two colour differences of every eighth
 * frame, and what the frames between differ by.
 *
 * <p>Halving the frames keeps every second one, from the video's first on, and what the frame
 * between differs from the kept one before it (a lifting step whose prediction is the frame
 * before). A kernel that saw the zeros before a video in a mean would give the first frame other
 * values than the same frame later; this one gives it no differences and itself. Colour keeps no
 * differences at the full frame rate: a frame between has the mean of its neighbours' colours.
 *
 * <p>Everything is linear. Residual branches and attention add nothing. The two places that are not
 * linear are made so: each signal comes with both signs, whose means a norm's mean cancels; beside
 * them stand constants of both signs, so large that the deviation is theirs; and silu(a) − silu(−a)
 * = a. Decoding doubles the picture thrice with the kernel (1 3 3 1)/4, which tends to quadratic
 * splines; the encoder's last convolution turns means into their coefficients.
 */
final class LiftingCodec {
  private static final int COLOURS = 3;

  /** Channels of a latent. */
  private static final int SIGNALS = 16;

  /** The constants' value; a norm is off by at most signals² / (2·CONSTANT²). */
  private static final float CONSTANT = 100;

  static final CausalVideoVaeConfig CONFIG =
      new CausalVideoVaeConfig(
          SIGNALS,
          1,
          1,
          List.of(
              new Level(16, 1, true, true),
              new Level(16, 1, true, true),
              new Level(40, 1, true, true),
              new Level(40, 1, false, false)),
          List.of(
              new Level(32, 1, true, true),
              new Level(32, 1, true, true),
              new Level(16, 1, true, true),
              new Level(16, 1, false, false)));

  /**
   * What signals are multiplied by in a latent, powers of two: so large that the later frames of
   * clips have about the deviation that {@link LatentStatistics} takes away.
   */
  private static final double[] SCALES = {
    4, 8, 16, 16, 16, 32, 16, 32, 32, 32, 32, 16, 32, 32, 32, 32
  };

  /**
   * How many signals one halving of the frames reads and gives: first the colours of kept frames,
   * then what frames between differ by, then the signals that differences had become before, of the
   * later frame and of the earlier.
   *
   * @param differences of how many colours the differences are kept
   * @param carried signals read that are differences already
   */
  private record Halving(int differences, int carried) {
    int read() {
      return COLOURS + carried;
    }

    int later() {
      return COLOURS + differences;
    }

    int earlier() {
      return later() + carried;
    }

    int given() {
      return earlier() + carried;
    }
  }

  private static final List<Halving> HALVINGS =
      List.of(new Halving(1, 0), new Halving(3, 1), new Halving(3, 5));

  private static final double[][] TO_OPPONENT = {
    {1 / 3.0, 1 / 3.0, 1 / 3.0}, {0.5, 0, -0.5}, {-0.25, 0.5, -0.25}
  };
  private static final double[][] FROM_OPPONENT = {
    {1, 1, -2 / 3.0}, {1, 0, 4 / 3.0}, {1, -1, -2 / 3.0}
  };

  /** Of pixels 2i and 2i + 1, which lie at and after a halving kernel's centre. */
  private static final double[] MEAN = {0, 0.5, 0.5};

  /** Of the pixels 2i and 2i + 1 that come from pixel i and its neighbours. */
  private static final double[][] DOUBLED = {{0.25, 0.75, 0}, {0, 0.75, 0.25}};

  private static final double[] SPLINE = {-0.25, 1.5, -0.25};

  private LiftingCodec() {}

  /** The values of a tensor, unless it may be anything. */
  static Optional<float[]> find(TensorInfo info) {
    return named(info.name(), new Taps(info)).map(Taps::values);
  }

  private static Optional<Taps> named(String name, Taps taps) {
    if (name.contains(".conv2.") || name.contains(".to_out.0.")) {
      return Optional.of(taps); // zeros: nothing is added
    }
    if (name.endsWith("conv_shortcut.conv.weight") || name.equals("decoder.conv_in.conv.weight")) {
      return Optional.of(taps.identity(Math.min(taps.extent(0), taps.extent(1))));
    }
    if (name.endsWith("conv_norm_out.weight")) {
      // Of all channels' squares two are the constants'.
      return Optional.of(taps.fill(CONSTANT * (float) Math.sqrt(2.0 / taps.extent(0))));
    }
    if (name.endsWith("samplers.0.conv.conv.weight")) {
      int block = name.charAt(name.indexOf("_blocks.") + "_blocks.".length()) - '0';
      boolean frames = name.contains("temporal_");
      if (name.startsWith("encoder")) {
        int signs = block == HALVINGS.size() - 1 ? 2 : 1;
        Halving halving = HALVINGS.get(block);
        return Optional.of(
            frames
                ? halveFrames(taps, halving, signs)
                : taps.spatial(1, new Taps.Channels(0, 0, halving.read()), MEAN));
      }
      Halving halving = HALVINGS.get(HALVINGS.size() - 1 - block);
      int signs = block == HALVINGS.size() - 1 ? 2 : 1;
      return Optional.of(
          frames ? doubleFrames(taps, halving, signs) : doubleSize(taps, halving.given()));
    }
    return ends(name, taps);
  }

  private static Optional<Taps> ends(String name, Taps taps) {
    return switch (name) {
      case "encoder.conv_in.conv.weight" -> Optional.of(opponents(taps, TO_OPPONENT, 0));
      case "encoder.down_blocks.2.temporal_downsamplers.0.conv.conv.bias" ->
          Optional.of(constants(taps, 2 * SIGNALS, 1));
      case "encoder.conv_out.conv.weight" ->
          Optional.of(
              taps.spatial(1, new Taps.Channels(0, 0, SIGNALS), SPLINE)
                  .spatial(-1, new Taps.Channels(0, SIGNALS, SIGNALS), SPLINE));
      case "quant_conv.conv.weight" -> {
        for (int i = 0; i < SIGNALS; i++) {
          taps.set(SCALES[i], i, i);
        }
        yield Optional.of(taps);
      }
      case "post_quant_conv.conv.weight" -> {
        for (int i = 0; i < SIGNALS; i++) {
          taps.set(1 / SCALES[i], i, i);
        }
        yield Optional.of(taps);
      }
      // Each channel becomes two frames' before the norm.
      case "decoder.up_blocks.2.temporal_upsamplers.0.conv.conv.bias" ->
          Optional.of(constants(taps, 2 * COLOURS, 2));
      case "decoder.conv_out.conv.weight" -> Optional.of(opponents(taps, FROM_OPPONENT, COLOURS));
      default -> Optional.empty();
    };
  }

  /** Two channels of constants from channel {@code at} on, each for so many frames. */
  private static Taps constants(Taps taps, int at, int frames) {
    for (int i = 0; i < frames; i++) {
      taps.set(CONSTANT, at * frames + i).set(-CONSTANT, (at + 1) * frames + i);
    }
    return taps;
  }

  /** A mix of colours; {@code negated} channels on stands each with the other sign, or nowhere. */
  private static Taps opponents(Taps taps, double[][] matrix, int negated) {
    for (int out = 0; out < COLOURS; out++) {
      for (int in = 0; in < COLOURS; in++) {
        taps.present(matrix[out][in], out, in);
        if (negated > 0) {
          taps.present(-matrix[out][in], out, negated + in);
        }
      }
    }
    return taps;
  }

  /** Kernel frames: the kept one before, the one between, the kept one. */
  private static Taps halveFrames(Taps taps, Halving halving, int signs) {
    for (int sign = 0; sign < signs; sign++) {
      int at = sign * SIGNALS;
      int value = 1 - 2 * sign;
      for (int i = 0; i < COLOURS; i++) {
        taps.present(value, at + i, i);
      }
      for (int i = 0; i < halving.differences(); i++) {
        centre(taps, value, at + COLOURS + i, i, 1);
        centre(taps, -value, at + COLOURS + i, i, 0);
      }
      for (int i = 0; i < halving.carried(); i++) {
        taps.present(value, at + halving.later() + i, COLOURS + i);
        centre(taps, value, at + halving.earlier() + i, COLOURS + i, 1);
      }
    }
    return taps;
  }

  /** Out of halveFrames again; a channel's earlier frame comes before its later one. */
  private static Taps doubleFrames(Taps taps, Halving halving, int signs) {
    for (int sign = 0; sign < signs; sign++) {
      int at = sign * COLOURS;
      int value = 1 - 2 * sign;
      for (int i = 0; i < COLOURS; i++) {
        int earlier = 2 * (at + i);
        taps.present(value, earlier + 1, i);
        if (i < halving.differences()) {
          centre(taps, value, earlier, i, 1);
          taps.present(value, earlier, COLOURS + i);
        } else {
          centre(taps, 0.5 * value, earlier, i, 1);
          taps.present(0.5 * value, earlier, i);
        }
      }
    }
    for (int i = 0; i < halving.carried(); i++) {
      int earlier = 2 * (COLOURS + i);
      taps.present(1, earlier + 1, halving.later() + i);
      taps.present(1, earlier, halving.earlier() + i);
    }
    return taps;
  }

  /** Of one frame of the kernel, at its own position. */
  private static void centre(Taps taps, double value, int out, int in, int frame) {
    taps.set(value, out, in, frame, 1, 1);
  }

  /** Four pixels for each, whose channels lie together, row by row. */
  private static Taps doubleSize(Taps taps, int signals) {
    for (int i = 0; i < signals; i++) {
      for (int pixel = 0; pixel < 4; pixel++) {
        taps.separable(4 * i + pixel, i, DOUBLED[pixel / 2], DOUBLED[pixel % 2]);
      }
    }
    return taps;
  }
}
