package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/** Angles of rotary positions of a video's tokens, for {@link Value#rotary}. */
public final class RotaryAngles {
  private RotaryAngles() {}

  /**
   * Angles [frames · rows · columns, pairs of a head]: the pairs of the frame axis, then those of
   * rows, then those of columns, each with frequencies from 1 down.
   *
   * @param frames positions of the tokens' frames, [frames]
   * @param rows of their rows, [rows]
   * @param columns of their columns, [columns]
   * @param dims of a head for each axis, even
   */
  public static Value ofVideo(Value frames, Value rows, Value columns, List<Integer> dims) {
    var grid = List.of(frames.dim(0), rows.dim(0), columns.dim(0));
    Value angles =
        Value.concat(
            3,
            ofAxis(frames, 0, dims.get(0), grid),
            ofAxis(rows, 1, dims.get(1), grid),
            ofAxis(columns, 2, dims.get(2), grid));
    return angles.reshape(grid.get(0).times(grid.get(1)).times(grid.get(2)), angles.dim(3));
  }

  /**
   * Positions of tokens from those of the latents that they are patches of: of the first latent, in
   * patches. Where latents are counted, so are tokens.
   *
   * @param latents positions along an axis, [latents]
   * @param tokens along that axis
   * @param patch latents of a token along it
   */
  public static Value ofPatches(Value latents, Dim tokens, int patch) {
    return patch == 1
        ? latents
        : latents
            .slice(0, Dim.of(0), tokens.times(patch))
            .reshape(tokens, patch)
            .slice(1, 0, 1)
            .reshape(tokens)
            .dividedBy(Value.constant(patch)); // exact, as a product with 1 / patch is not
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
