package io.github.tpdiff.adapters.wan;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.adapters.CausalFrames;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/**
 * Cells of {@code frames} × {@code side} × {@code side} positions of [B, C, F, H, W], whose values
 * move between positions and channels: {@code AvgDown3D}, {@code DupUp3D} and {@code patchify} of
 * diffusers' {@code autoencoder_kl_wan.py}. F, H and W are multiples of a cell's.
 */
record Cells(int frames, int side) {
  /** Positions of a cell. */
  private int positions() {
    return frames * side * side;
  }

  /**
   * Fewer positions of {@code out} channels, each the mean of equally many values of a cell: one
   * run of them, ordered by channel, frame, row, column. Zeros stand before frames that fill no
   * cell.
   *
   * @throws IllegalArgumentException if the values of a cell are no multiple of {@code out}
   */
  Value averaged(Value x, long out) {
    long run = shares(x.dim(1).value() * positions(), out);
    long lacking = Math.floorMod(-x.dim(2).value(), (long) frames);
    Value whole =
        lacking == 0 ? x : Value.concat(2, CausalFrames.zeros(x, Math.toIntExact(lacking)), x);
    Value cells = toChannels(whole);
    if (run == 1) {
      return cells;
    }
    List<Value> each =
        cells
            .reshape(cells.dim(0), out, run, cells.dim(2), cells.dim(3), cells.dim(4))
            .split(2, Math.toIntExact(run));
    Value sum = each.get(0);
    for (Value next : each.subList(1, each.size())) {
      sum = sum.plus(next);
    }
    return sum.times(1.0 / run)
        .reshape(cells.dim(0), out, cells.dim(2), cells.dim(3), cells.dim(4));
  }

  /**
   * More positions of {@code out} channels: each channel repeated in a row as often as the cells of
   * all {@code out} have values for it.
   *
   * @throws IllegalArgumentException if those values are no multiple of the channels of x
   */
  Value duplicated(Value x, long out) {
    int times = Math.toIntExact(shares(out * positions(), x.dim(1).value()));
    return fromChannels(times == 1 ? x : x.repeat(1, times, 1, 1, 1));
  }

  private static long shares(long values, long channels) {
    checkArgument(
        values % channels == 0,
        "dim_mult: expected widths with a shortcut between them, found %s values for %s channels",
        values,
        channels);
    return values / channels;
  }

  /** Pixels to channels, the values of a cell ordered by column, then row. */
  Value patches(Value pixels) {
    return side == 1 ? pixels : turned(toChannels(turned(pixels)));
  }

  /** The inverse of {@link #patches}. */
  Value pixels(Value patches) {
    return side == 1 ? patches : turned(fromChannels(turned(patches)));
  }

  /** Rows for columns. */
  private static Value turned(Value x) {
    return x.transpose(0, 1, 2, 4, 3);
  }

  /** The values of a cell behind each other in the channels, by frame, row, column. */
  private Value toChannels(Value x) {
    Dim height = x.dim(3).dividedBy(side);
    Dim width = x.dim(4).dividedBy(side);
    long count = x.dim(2).value() / frames;
    return x.slice(3, Dim.of(0), height.times(side))
        .slice(4, Dim.of(0), width.times(side))
        .reshape(x.dim(0), x.dim(1), count, frames, height, side, width, side)
        .transpose(0, 1, 3, 5, 7, 2, 4, 6)
        .reshape(x.dim(0), x.dim(1).times(positions()), count, height, width);
  }

  private Value fromChannels(Value x) {
    long out = x.dim(1).value() / positions();
    return x.reshape(x.dim(0), out, frames, side, side, x.dim(2), x.dim(3), x.dim(4))
        .transpose(0, 1, 5, 2, 6, 3, 7, 4)
        .reshape(x.dim(0), out, x.dim(2).times(frames), x.dim(3).times(side), x.dim(4).times(side));
  }
}
