package io.github.tpdiff.runtime.diffusion;

import java.util.stream.IntStream;

/**
 * The latents of a stage within those of the whole clip, as a network and its conditions need it.
 *
 * @param size frames, rows and columns
 * @param strides places of the full grid from one of this to the next
 * @param space how rows and columns of the full grid come to these
 * @param positions which positions the network is told
 */
public record StageGrid(
    LatentGrid size, GridFactor strides, SpaceResampling space, PositionRules positions) {

  /** All of a clip's latents. */
  public static StageGrid full(LatentGrid size) {
    return new StageGrid(size, GridFactor.ONE, SpaceResampling.blocks(), PositionRules.scaled());
  }

  /** Every r-th frame of a clip, of which {@code size} are left. */
  public static StageGrid strided(LatentGrid size, int r) {
    return new StageGrid(
        size, GridFactor.ofTime(r), SpaceResampling.blocks(), PositionRules.scaled());
  }

  /** The same of which the network is told other positions. */
  public StageGrid withPositions(PositionRules others) {
    return new StageGrid(size, strides, space, others);
  }

  /** The frames of the full grid that these stand for, n · r. */
  public int[] frames() {
    return multiples(size.frames(), strides.time());
  }

  /** The positions that the network is told along an axis, one for each place. */
  public int[] positions(GridAxis axis) {
    return multiples(size.along(axis), positionStrides().along(axis));
  }

  /** What place i is told to be at i times of, along each axis. */
  public GridFactor positionStrides() {
    return new GridFactor(
        positionStride(GridAxis.TIME),
        positionStride(GridAxis.HEIGHT),
        positionStride(GridAxis.WIDTH));
  }

  private int positionStride(GridAxis axis) {
    return switch (positions.along(axis)) {
      case SCALED -> strides.along(axis);
      case NATIVE -> 1;
    };
  }

  private static int[] multiples(int count, int stride) {
    return IntStream.range(0, count).map(n -> n * stride).toArray();
  }
}
