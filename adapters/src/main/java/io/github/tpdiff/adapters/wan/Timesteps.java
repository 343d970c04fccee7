package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What of a clip has a time of its own, and with it a modulation of its own. */
enum Timesteps {
  /** Every clip, as in Wan 2.1. */
  PER_CLIP,

  /** Every latent frame: those that are given are at time 0, the others at the clip's. */
  PER_FRAME,

  /**
   * Every token, as Wan 2.2 writes it down. No pipeline asks for more than times of frames, which
   * modulate without a copy for each token.
   */
  PER_TOKEN;

  /**
   * The extents of times, then others.
   *
   * @param grid of the tokens: batch, frames, rows, columns and whatever follows
   */
  Object[] extents(Shape grid, Object... others) {
    return Stream.concat(times(grid).stream(), Stream.of(others)).toArray();
  }

  private List<Dim> times(Shape grid) {
    return switch (this) {
      case PER_CLIP -> List.of(grid.dim(0));
      case PER_FRAME -> List.of(grid.dim(0), grid.dim(1));
      case PER_TOKEN -> List.of(grid.dim(0), tokens(grid));
    };
  }

  /**
   * The extents of rows of tokens such that times with one further axis of one broadcast over them.
   */
  Object[] rows(Shape grid, int width) {
    Dim shared =
        switch (this) {
          case PER_CLIP -> tokens(grid);
          case PER_FRAME -> grid.dim(2).times(grid.dim(3));
          case PER_TOKEN -> Dim.of(1);
        };
    return extents(grid, shared, width);
  }

  /** The extents of times that broadcast over the grid itself. */
  Object[] overGrid(Shape grid, int width) {
    List<Dim> axes =
        switch (this) {
          case PER_CLIP -> List.of();
          case PER_FRAME -> List.of(grid.dim(1));
          case PER_TOKEN -> List.of(grid.dim(1), grid.dim(2), grid.dim(3));
        };
    var extents = new ArrayList<Object>(List.of(grid.dim(0)));
    for (int axis = 0; axis < 3; axis++) {
      extents.add(axis < axes.size() ? axes.get(axis) : Dim.of(1));
    }
    extents.add(width);
    return extents.toArray();
  }

  static Dim tokens(Shape grid) {
    return grid.dim(1).times(grid.dim(2)).times(grid.dim(3));
  }
}
