package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/** Angles of rotary positions of a video's tokens, for {@link Value#rotary}. */
public final class RotaryAngles {
  private RotaryAngles() {}

  /**
   * Angles [frames · rows · columns, pairs of a head]: the pairs of the frame axis, then those of
   * rows, then those of columns, each with frequencies from 1 down.
   *
   * @param frames positions of the frames, [frames]
   * @param rows of tokens in a frame, numbered from 0
   * @param columns of tokens in a frame, numbered from 0
   * @param dims of a head for each axis, even
   */
  public static Value ofVideo(Value frames, Dim rows, Dim columns, List<Integer> dims) {
    var grid = List.of(frames.dim(0), rows, columns);
    Value angles =
        Value.concat(
            3,
            ofAxis(frames, 0, dims.get(0), grid),
            ofAxis(counted(rows), 1, dims.get(1), grid),
            ofAxis(counted(columns), 2, dims.get(2), grid));
    return angles.reshape(frames.dim(0).times(rows).times(columns), angles.dim(3));
  }

  private static Value counted(Dim count) {
    return Value.arange(count).cast(ElementType.F32);
  }

  /** Angles of one axis, repeated over the other two: [frames, rows, columns, dims / 2]. */
  private static Value ofAxis(Value positions, int axis, int dims, List<Dim> grid) {
    var extents = new Object[] {1, 1, 1, 1};
    extents[axis] = positions.dim(0);
    return positions
        .reshape(extents)
        .times(Sinusoids.frequencies(dims))
        .expand(grid.get(0), grid.get(1), grid.get(2), dims / 2);
  }
}
