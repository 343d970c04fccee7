package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.graph.Value;
import java.util.stream.Stream;

/** Timesteps and positions at frequencies that fall from 1 to almost 1/10,000. */
public final class Sinusoids {
  private static final double THETA = 10_000;

  private Sinusoids() {}

  /** θ^(−2j / dims), j = 0 … dims / 2 − 1. */
  public static Value frequencies(int dims) {
    var values = new float[dims / 2];
    for (int j = 0; j < values.length; j++) {
      values[j] = (float) Math.pow(THETA, -2.0 * j / dims);
    }
    return Value.constant(values, values.length);
  }

  /** Timesteps [...] to [..., dims]: the cosines, then the sines. */
  public static Value ofTimestep(Value timestep, int dims) {
    Object[] column = Stream.concat(timestep.shape().dims().stream(), Stream.of(1)).toArray();
    Value angles = timestep.reshape(column).times(frequencies(dims));
    return Value.concat(-1, angles.apply(UnaryKind.COS), angles.apply(UnaryKind.SIN));
  }
}
