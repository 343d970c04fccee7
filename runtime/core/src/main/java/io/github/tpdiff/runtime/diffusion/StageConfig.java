package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What a user chooses of a pyramid over time, rows and columns. Lists are in sampling order, the
 * coarsest stage first.
 *
 * @param rates of each stage over the one before along each axis, one less than there are stages:
 *     {@code [4, 2]} goes from every eighth frame to every second to all
 * @param boundaries the time at which each stage after the first starts, falling; empty for equal
 *     parts of the checkpoint's own schedule
 * @param stepSplit the shares of the steps that the stages get, as in 1-1-2; empty for equal shares
 * @param resampling how frames are dropped and repeated
 * @param space how rows and columns are
 * @param targets what a stage's clean latents are
 * @param positions which positions the network is told
 * @param targetScale the scale of the flow-matching target
 * @param ends how far a stage goes that another follows
 */
public record StageConfig(
    List<GridFactor> rates,
    List<Double> boundaries,
    List<Integer> stepSplit,
    FrameResampling resampling,
    SpaceResampling space,
    Targets targets,
    PositionRules positions,
    TargetScale targetScale,
    Ends ends) {

  /** More places than any model has positions for; strides multiply without overflow below it. */
  private static final int LARGEST_STRIDE = 1 << 16;

  /** What a stage's clean latents are. */
  public enum Targets {
    /** The clip's latents with places dropped, as the paper has it. */
    LATENT,
    /**
     * Latents of a smaller clip: frames are dropped and pixels averaged before the VAE, as
     * PyramidalWan has it. So they are what the pretrained network has seen.
     */
    PIXEL
  }

  /** The time in which a flow-matching network's velocity is measured. */
  public enum TargetScale {
    /** Global time, as a vanilla checkpoint has it. */
    GLOBAL,
    /** The stage's own time, 1 to 0 in every stage: the paper's eq. 13, and Pyramid-Flow. */
    STAGE
  }

  /** How far a stage goes that another follows. */
  public enum Ends {
    /** To the noise from which the next can start: no work twice, as the paper has it. */
    LINKED,
    /**
     * To a clean clip, which the next upsamples and noises anew: a cascade of keyframes and what
     * lies between them, as in Show-1 and LaVie.
     */
    CLEAN
  }

  /**
   * @throws IllegalArgumentException if a list has the wrong length or a value out of range
   */
  public StageConfig {
    rates = List.copyOf(rates);
    boundaries = List.copyOf(boundaries);
    stepSplit = List.copyOf(stepSplit);
    int stages = rates.size() + 1;
    checkArgument(rates.size() <= 8, "stages.rates: at most 8 (9 stages), found %s", rates.size());
    for (GridFactor rate : rates) {
      checkArgument(
          !rate.equals(GridFactor.ONE)
              && Math.max(rate.time(), Math.max(rate.height(), rate.width())) <= 64,
          "stages.rates: each from 1 to 64 along an axis and above 1 along one at least, found %s",
          rates);
    }
    for (GridAxis axis : GridAxis.values()) {
      checkArgument(
          rates.stream().mapToDouble(rate -> rate.along(axis)).reduce(1, (x, y) -> x * y)
              <= LARGEST_STRIDE,
          "stages.rates: at most %s together along an axis, found %s",
          LARGEST_STRIDE,
          rates);
    }
    checkArgument(
        boundaries.isEmpty() || boundaries.size() == stages - 1,
        "stages.boundaries: expected %s values for %s stages (none for the first), found %s",
        stages - 1,
        stages,
        boundaries);
    double above = 1;
    for (double boundary : boundaries) {
      checkArgument(
          boundary > 0 && boundary < above,
          "stages.boundaries: must fall and lie in (0, 1), found %s",
          boundaries);
      above = boundary;
    }
    checkArgument(
        stepSplit.isEmpty() || stepSplit.size() == stages,
        "stages.step_split: expected %s values, found %s",
        stages,
        stepSplit);
    checkArgument(
        stepSplit.stream().allMatch(share -> share >= 1 && share <= 1_000_000),
        "stages.step_split: each at least 1, found %s",
        stepSplit);
  }

  /** A pyramid with defaults for all but its rates and how frames are dropped and repeated. */
  public static StageConfig of(List<GridFactor> rates, FrameResampling resampling) {
    return new StageConfig(
        rates,
        List.of(),
        List.of(),
        resampling,
        SpaceResampling.blocks(),
        Targets.LATENT,
        PositionRules.scaled(),
        TargetScale.GLOBAL,
        Ends.LINKED);
  }

  /** {@code stages} stages, each at twice the frame rate of the one before; defaults otherwise. */
  public static StageConfig pyramid(int stages, FrameResampling resampling) {
    checkArgument(stages >= 1 && stages <= 9, "stages: from 1 to 9, found %s", stages);
    return of(Collections.nCopies(stages - 1, GridFactor.ofTime(2)), resampling);
  }

  /** One stage: the checkpoint's own diffusion. */
  public static StageConfig vanilla() {
    return pyramid(1, FrameResampling.groupedFirstFrame());
  }

  /** The number K of stages. */
  public int stages() {
    return rates.size() + 1;
  }

  /** The strides r_K of the coarsest stage: the product of all rates. */
  public GridFactor largestStrides() {
    return rates.stream().reduce(GridFactor.ONE, GridFactor::times);
  }

  /** Whether a clip of this many latent frames divides into the stages. */
  public boolean fits(int latentFrames) {
    return fits(GridAxis.TIME, latentFrames);
  }

  /** Whether so many latent places along an axis divide into the stages. */
  public boolean fits(GridAxis axis, int places) {
    int stride = largestStrides().along(axis);
    return stride == 1 ? places >= 1 : along(axis).fits(places, stride);
  }

  /**
   * Whether latents of so many frames are one picture, which is the same in every stage over time:
   * a shared first frame, kept by D and not repeated by U. Its stages are vanilla training in
   * parts: where nothing is repeated, a stage ends at the noise at which the next begins.
   */
  public boolean isStill(int latentFrames) {
    return resampling.firstFrame() == FrameResampling.FirstFrame.SHARED && latentFrames == 1;
  }

  /**
   * Whether the latents of a stage say those of the coarser one, which samplers must know that
   * renew noise: they do if places are dropped from them, and repeating and dropping changes
   * nothing.
   */
  public boolean coarserIsKnown() {
    boolean overSpace = GridFactor.areOverSpace(rates);
    boolean projects =
        !overSpace
            || space.downsampling() == FrameResampling.Downsampling.STRIDE
            || space.upsampling() == FrameResampling.Upsampling.NEAREST;
    return stages() == 1 || (targets == Targets.LATENT && projects);
  }

  AxisResampling along(GridAxis axis) {
    return axis == GridAxis.TIME ? resampling.axis() : space.axis();
  }

  /** The grid of a stage of some strides. */
  LatentGrid coarse(LatentGrid full, GridFactor strides) {
    return new LatentGrid(
        along(GridAxis.TIME).coarse(full.frames(), strides.time()),
        full.height() / strides.height(),
        full.width() / strides.width());
  }

  /** D from the full grid to that of some strides. */
  GridMatrix down(LatentGrid full, GridFactor strides) {
    return GridMatrix.of(strides, axis -> along(axis).down(full.along(axis), strides.along(axis)));
  }

  /** U from a coarse grid to the next. */
  GridMatrix up(LatentGrid coarse, GridFactor rates) {
    return GridMatrix.of(rates, axis -> along(axis).up(coarse.along(axis), rates.along(axis)));
  }

  /** U D on a fine grid: places dropped and repeated. */
  GridMatrix repeated(LatentGrid fine, GridFactor rates) {
    GridMatrix down = down(fine, rates);
    GridMatrix up = up(coarse(fine, rates), rates);
    return GridMatrix.of(
        rates, axis -> up.along(axis, fine.along(axis)).times(down.along(axis, fine.along(axis))));
  }

  /** The same with other rates. */
  public StageConfig withRates(List<GridFactor> other) {
    return new StageConfig(
        other, boundaries, stepSplit, resampling, space, targets, positions, targetScale, ends);
  }

  /** The same with other boundaries. */
  public StageConfig withBoundaries(List<Double> other) {
    return new StageConfig(
        rates, other, stepSplit, resampling, space, targets, positions, targetScale, ends);
  }

  /** The same with other shares of the steps. */
  public StageConfig withStepSplit(List<Integer> other) {
    return new StageConfig(
        rates, boundaries, other, resampling, space, targets, positions, targetScale, ends);
  }

  /** The same with rows and columns dropped and repeated otherwise. */
  public StageConfig withSpace(SpaceResampling other) {
    return new StageConfig(
        rates, boundaries, stepSplit, resampling, other, targets, positions, targetScale, ends);
  }

  /** The same with other clean latents. */
  public StageConfig withTargets(Targets other) {
    return new StageConfig(
        rates, boundaries, stepSplit, resampling, space, other, positions, targetScale, ends);
  }

  /** The same with other positions. */
  public StageConfig withPositions(PositionRules other) {
    return new StageConfig(
        rates, boundaries, stepSplit, resampling, space, targets, other, targetScale, ends);
  }

  /** The same with another target scale. */
  public StageConfig withTargetScale(TargetScale other) {
    return new StageConfig(
        rates, boundaries, stepSplit, resampling, space, targets, positions, other, ends);
  }

  /** The same with stages that go further, or less far. */
  public StageConfig withEnds(Ends other) {
    return new StageConfig(
        rates, boundaries, stepSplit, resampling, space, targets, positions, targetScale, other);
  }

  /**
   * The steps of each stage, in sampling order, that sum to {@code total}: by shares, at least one
   * each, what is left over to the largest remainders, the finer stage first among equals.
   *
   * @throws IllegalArgumentException if there are fewer steps than stages
   */
  public List<Integer> splitSteps(int total) {
    int stages = stages();
    checkArgument(
        total >= stages, "steps: at least one for each of %s stages, found %s", stages, total);
    List<Integer> shares = stepSplit.isEmpty() ? Collections.nCopies(stages, 1) : stepSplit;
    long sum = shares.stream().mapToLong(Integer::longValue).sum();
    var steps = new ArrayList<Integer>(stages);
    int left = total;
    for (int share : shares) {
      int floor = (int) Math.max(1, (long) total * share / sum);
      steps.add(floor);
      left -= floor;
    }
    for (; left > 0; left--) {
      int most = furthest(steps, shares, total / (double) sum, 1);
      steps.set(most, steps.get(most) + 1);
    }
    for (; left < 0; left++) {
      int least = furthest(steps, shares, total / (double) sum, -1);
      steps.set(least, steps.get(least) - 1);
    }
    return List.copyOf(steps);
  }

  /** The stage that is furthest from its share in a direction, and may move there. */
  private static int furthest(List<Integer> steps, List<Integer> shares, double unit, int sign) {
    int best = -1;
    double bestGap = Double.NEGATIVE_INFINITY;
    for (int i = steps.size() - 1; i >= 0; i--) {
      double gap = sign * (shares.get(i) * unit - steps.get(i));
      if ((sign > 0 || steps.get(i) > 1) && gap > bestGap + 1e-9) {
        best = i;
        bestGap = gap;
      }
    }
    return best;
  }
}
