package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.madeup.Taps;
import io.github.tpdiff.weights.TensorInfo;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The same as {@link LinearCodec} for the autoencoder of Wan 2.2: of every 16×16 pixels the local
 * means of its quarters, over each group of four frames.
 *
 * <p>What is linear, and how, is as there. A shortcut averages or repeats what a level is given, so
 * a level's layers put what they add where the shortcut brings nothing or what is wanted beside it.
 * On the way down the shortcuts alone halve sizes and lay frames beside each other, up to the last
 * halving: its convolution keeps the four quarters apart. Quarters are latents not as such, but as
 * the values whose sums of two neighbours restore them: that is what one doubling, which knows no
 * odd from even places, can put back.
 */
final class ResidualCodec {
  private static final int COLOURS = WanVaeConfig.COLOURS;
  private static final int QUARTERS = 4;
  private static final int FRAMES = 4;

  /** Latents of one kind: a mean or a difference of frames. */
  private static final int KIND = QUARTERS * COLOURS;

  /** Channels of a latent. */
  private static final int SIGNALS = FRAMES * KIND;

  static final WanVaeConfig CONFIG =
      new WanVaeConfig(
          25,
          16,
          SIGNALS,
          WanVaeConfig.DIM_MULT,
          1,
          WanVaeConfig.TEMPORAL_DOWNSAMPLE,
          2,
          true,
          Collections.nCopies(SIGNALS, 0.0),
          deviations());

  /** Mean, later pair against earlier, and within either pair, of four frames in order. */
  private static final double[][] KINDS = {
    {0.25, 0.25, 0.25, 0.25}, {-0.25, -0.25, 0.25, 0.25}, {-0.5, 0.5, 0, 0}, {0, 0, -0.5, 0.5}
  };

  /**
   * Values between two places of a row, the place of a latent first: from the first and the second
   * of each pair of places, of the pair before, this one and the next. Their sums with their
   * neighbours are about the coefficients of a quadratic spline of the row's means.
   */
  private static final double[][][] BETWEEN = {
    {{0, 0.75, -0.25}, {-0.25, 0.75, 0}}, {{0, -0.25, 0.75}, {0, 0.75, -0.25}}
  };

  /** Half of what is here, or of what is one place before. */
  private static final double[][] HALF = {{0, 0.5, 0}, {0.5, 0, 0}};

  /** The first and the second of the places that one becomes, smoothed. */
  private static final double[][] DOUBLED = {{0.25, 0.75, 0}, {0, 0.75, 0.25}};

  /** Where the decoder's levels put what they add, past all that shortcuts bring. */
  private static final int PAIRS = SIGNALS;

  private static final int PICTURE = PAIRS + 2 * COLOURS;
  private static final int LARGE_PICTURE = 29;

  private static List<Double> deviations() {
    return Stream.iterate(0, kind -> kind + 1)
        .limit(FRAMES)
        .flatMap(
            kind ->
                Collections.nCopies(
                    QUARTERS, LinearCodec.DEVIATIONS.subList(COLOURS * kind, COLOURS * (kind + 1)))
                    .stream())
        .flatMap(List::stream)
        .toList();
  }

  /** The values of a tensor, unless it may be anything. */
  Optional<float[]> find(TensorInfo info) {
    return named(info.name(), new Taps(info))
        .or(() -> LinearCodec.passing(info.name(), new Taps(info)))
        .map(Taps::values);
  }

  private static Optional<Taps> named(String name, Taps taps) {
    return switch (name) {
      case "encoder.conv_in.weight" -> Optional.of(toOpponent(taps));
      case "encoder.down_blocks.0.downsampler.resample.1.weight",
          "encoder.down_blocks.1.downsampler.time_conv.weight" ->
          Optional.of(taps); // zeros: the shortcut does it
      case "encoder.down_blocks.1.downsampler.resample.1.weight" -> Optional.of(repeatFirst(taps));
      case "encoder.down_blocks.2.downsampler.resample.1.weight" -> Optional.of(quarter(taps));
      case "encoder.down_blocks.2.downsampler.time_conv.weight" -> Optional.of(joinPairs(taps));
      case "encoder.down_blocks.2.downsampler.resample.1.bias",
          "encoder.down_blocks.2.downsampler.time_conv.bias" ->
          Optional.of(taps.set(LinearCodec.CONSTANT, 2 * SIGNALS));
      case "encoder.conv_out.weight" -> Optional.of(toLatents(taps));
      case "decoder.conv_in.weight" -> Optional.of(taps.identity(SIGNALS));
      case "decoder.up_blocks.0.upsampler.time_conv.weight" -> Optional.of(partPairs(taps));
      case "decoder.up_blocks.0.upsampler.resample.1.weight" -> Optional.of(joinQuarters(taps));
      case "decoder.up_blocks.1.upsampler.time_conv.weight" -> Optional.of(partFrames(taps));
      case "decoder.up_blocks.1.upsampler.resample.1.weight" ->
          Optional.of(
              taps.spatial(1, new Taps.Channels(PICTURE, PAIRS, COLOURS), LinearCodec.SMOOTH));
      case "decoder.up_blocks.2.resnets.0.conv_shortcut.weight" ->
          Optional.of(pass(taps, 1, new Taps.Channels(0, PICTURE, COLOURS)));
      case "decoder.up_blocks.2.upsampler.resample.1.weight" ->
          Optional.of(
              taps.spatial(1, new Taps.Channels(LARGE_PICTURE, 0, COLOURS), LinearCodec.SMOOTH));
      case "decoder.up_blocks.3.resnets.0.conv_shortcut.weight" ->
          Optional.of(
              pass(
                  pass(taps, 1, new Taps.Channels(0, LARGE_PICTURE, COLOURS)),
                  -1,
                  new Taps.Channels(COLOURS, LARGE_PICTURE, COLOURS)));
      case "decoder.up_blocks.3.resnets.0.conv_shortcut.bias" ->
          Optional.of(taps.set(LinearCodec.CONSTANT, 2 * COLOURS));
      case "decoder.conv_out.weight" -> Optional.of(fromOpponent(taps));
      default -> Optional.empty();
    };
  }

  private static Taps pass(Taps taps, double value, Taps.Channels channels) {
    for (int i = 0; i < channels.count(); i++) {
      taps.present(value, channels.out() + i, channels.in() + i);
    }
    return taps;
  }

  /** Means of patches of 2×2 pixels. */
  private static Taps toOpponent(Taps taps) {
    for (int out = 0; out < COLOURS; out++) {
      for (int in = 0; in < QUARTERS * COLOURS; in++) {
        taps.present(LinearCodec.TO_OPPONENT[out][in / QUARTERS] / QUARTERS, out, in);
      }
    }
    return taps;
  }

  /** The shortcut gives a video's first frame to the second of its pair, this to the first. */
  private static Taps repeatFirst(Taps taps) {
    for (int i = 0; i < COLOURS; i++) {
      taps.separable(2 * i, i, LinearCodec.MEAN, LinearCodec.MEAN);
    }
    return taps;
  }

  /** The channel of a quarter, where the shortcut puts the mean of all quarters for the first. */
  private static int place(int colour, int frame, int quarter) {
    return KIND * quarter + FRAMES * colour + 2 * (frame % 2) + frame / 2;
  }

  /**
   * Quarters apart, with both signs: what is to be there for a video's first frame, which stands
   * for all four. The shortcut gives its mean to the later pair.
   */
  private static Taps quarter(Taps taps) {
    for (int colour = 0; colour < COLOURS; colour++) {
      for (int frame = 0; frame < FRAMES; frame++) {
        int in = 2 * colour + frame % 2;
        if (frame >= 2) {
          double[] less = {-0.5, -0.5, 0};
          taps.separable(place(colour, frame, 0), in, less, LinearCodec.MEAN);
        }
        for (int q = 0; q < QUARTERS; q++) {
          int at = place(colour, frame, q);
          taps.set(q == 0 && frame >= 2 ? 0.75 : 1, at, in, q / 2, q % 2);
          taps.set(-1, SIGNALS + at, in, q / 2, q % 2);
        }
      }
    }
    return taps;
  }

  /** Two frames of pairs to four frames, with both signs, beside the means of the shortcut. */
  private static Taps joinPairs(Taps taps) {
    for (int colour = 0; colour < COLOURS; colour++) {
      for (int frame = 0; frame < FRAMES; frame++) {
        int pair = 1 + frame / 2;
        for (int q = 0; q < QUARTERS; q++) {
          int negated = SIGNALS + place(colour, frame % 2, q);
          taps.set(1.0 / QUARTERS, place(colour, frame, 0), negated, pair);
          taps.set(1, SIGNALS + place(colour, frame, q), negated, pair);
        }
        for (int q = 0; q < QUARTERS; q++) {
          int negated = SIGNALS + place(colour, frame % 2, q);
          taps.set(q == 0 ? -0.75 : -1, place(colour, frame, q), negated, pair);
        }
      }
    }
    return taps;
  }

  private static Taps toLatents(Taps taps) {
    for (int kind = 0; kind < FRAMES; kind++) {
      for (int to = 0; to < QUARTERS; to++) {
        for (int colour = 0; colour < COLOURS; colour++) {
          int out = KIND * kind + COLOURS * to + colour;
          for (int frame = 0; frame < FRAMES; frame++) {
            for (int from = 0; from < QUARTERS; from++) {
              int in = place(colour, frame, from);
              double share = KINDS[kind][frame];
              double[] columns = BETWEEN[to % 2][from % 2];
              taps.separable(out, in, scaled(share, BETWEEN[to / 2][from / 2]), columns);
              taps.separable(out, SIGNALS + in, scaled(-share, BETWEEN[to / 2][from / 2]), columns);
            }
          }
        }
      }
    }
    return taps;
  }

  private static double[] scaled(double by, double[] values) {
    return java.util.Arrays.stream(values).map(value -> by * value).toArray();
  }

  /** A latent to two frames, each the mean of a pair and the difference within. */
  private static Taps partPairs(Taps taps) {
    int later = taps.extent(0) / 2;
    for (int i = 0; i < KIND; i++) {
      taps.set(1, i, i, 2).set(-1, i, KIND + i, 2);
      taps.set(1, KIND + i, 2 * KIND + i, 2);
      taps.set(1, later + i, i, 2).set(1, later + i, KIND + i, 2);
      taps.set(1, later + KIND + i, 3 * KIND + i, 2);
    }
    return taps;
  }

  /** Sums of neighbours, each in its own one of the doubled places and in the next. */
  private static Taps joinQuarters(Taps taps) {
    for (int part = 0; part < 2; part++) {
      for (int q = 0; q < QUARTERS; q++) {
        for (int colour = 0; colour < COLOURS; colour++) {
          taps.separable(
              PAIRS + COLOURS * part + colour,
              KIND * part + COLOURS * q + colour,
              HALF[q / 2],
              HALF[q % 2]);
        }
      }
    }
    return taps;
  }

  private static Taps partFrames(Taps taps) {
    int later = taps.extent(0) / 2;
    for (int i = PAIRS; i < PAIRS + COLOURS; i++) {
      taps.set(1, i, i, 2).set(-1, i, COLOURS + i, 2);
      taps.set(1, later + i, i, 2).set(1, later + i, COLOURS + i, 2);
    }
    return taps;
  }

  /** Patches whose values are ordered by colour, column, row. */
  private static Taps fromOpponent(Taps taps) {
    for (int out = 0; out < QUARTERS * COLOURS; out++) {
      double[] columns = DOUBLED[out % QUARTERS / 2];
      for (int in = 0; in < COLOURS; in++) {
        double share = LinearCodec.FROM_OPPONENT[out / QUARTERS][in];
        taps.separable(out, in, scaled(share, DOUBLED[out % 2]), columns);
        taps.separable(out, COLOURS + in, scaled(-share, DOUBLED[out % 2]), columns);
      }
    }
    return taps;
  }
}
