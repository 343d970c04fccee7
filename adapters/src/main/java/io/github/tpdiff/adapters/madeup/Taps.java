package io.github.tpdiff.adapters.madeup;

import io.github.tpdiff.weights.TensorInfo;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** A kernel of zeros in which single taps are set; indices left out are 0. */
public final class Taps {
  private final List<Long> shape;
  private final float[] values;

  public Taps(TensorInfo info) {
    this.shape = info.shape();
    this.values = new float[Math.toIntExact(info.elementCount())];
  }

  public int extent(int axis) {
    return shape.get(axis).intValue();
  }

  public float[] values() {
    return values;
  }

  public Taps fill(float value) {
    Arrays.fill(values, value);
    return this;
  }

  /**
   * Normal values of deviation {@code scale}/√fan-in for the output channels from {@code first} on;
   * the same for the same seed.
   */
  public Taps normal(long seed, double scale, int first) {
    var random = new Random(seed);
    int fanIn = values.length / extent(0);
    for (int i = first * fanIn; i < values.length; i++) {
      values[i] = (float) (scale * random.nextGaussian() / Math.sqrt(fanIn));
    }
    return this;
  }

  public Taps set(double value, int... index) {
    long at = 0;
    for (int axis = 0; axis < shape.size(); axis++) {
      at = at * shape.get(axis) + (axis < index.length ? index[axis] : 0);
    }
    values[(int) at] = (float) value;
    return this;
  }

  /** Output channel i is input channel i of the present position, for the first {@code count}. */
  public Taps identity(int count) {
    for (int i = 0; i < count; i++) {
      present(1, i, i);
    }
    return this;
  }

  /** Of the present frame's own position: the last of three frames, the centre of 3×3. */
  public Taps present(double value, int out, int in) {
    int side = extent(shape.size() - 1);
    return shape.size() == 5
        ? set(value, out, in, extent(2) - 1, side / 2, side / 2)
        : set(value, out, in, side / 2, side / 2);
  }

  /**
   * {@code sign} times a separable 3×3 filter of the present frame, from each of {@code count}
   * input channels to one output channel.
   */
  public Taps spatial(double sign, Channels channels, double... filter) {
    double[] rows = filter.clone();
    Arrays.setAll(rows, y -> sign * filter[y]);
    for (int i = 0; i < channels.count(); i++) {
      separable(channels.out() + i, channels.in() + i, rows, filter);
    }
    return this;
  }

  /** A filter of the present frame, of its rows and of its columns, from one channel to another. */
  public Taps separable(int out, int in, double[] rows, double[] columns) {
    boolean causal = shape.size() == 5;
    for (int y = 0; y < rows.length; y++) {
      for (int x = 0; x < columns.length; x++) {
        double value = rows[y] * columns[x];
        if (causal) {
          set(value, out, in, extent(2) - 1, y, x);
        } else {
          set(value, out, in, y, x);
        }
      }
    }
    return this;
  }

  /** {@code count} channels from {@code out} on, each from the one at the same place after in. */
  public record Channels(int out, int in, int count) {}
}
