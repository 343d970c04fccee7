package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What a user chooses of a temporal pyramid. Lists are in sampling order, the coarsest stage first.
 *
 * @param rates frame rate of each stage over the one before, one less than there are stages: {@code
 *     [4, 2]} goes from stride 8 to 2 to 1
 * @param boundaries the time at which each stage after the first starts, falling; empty for equal
 *     parts of the checkpoint's own schedule
 * @param stepSplit the shares of the steps that the stages get, as in 1-1-2; empty for equal shares
 * @param resampling how frames are dropped and repeated
 * @param targetScale the scale of the flow-matching target
 */
public record StageConfig(
    List<Integer> rates,
    List<Double> boundaries,
    List<Integer> stepSplit,
    FrameResampling resampling,
    TargetScale targetScale) {

  /** More frames than any model has positions for; strides multiply without overflow below it. */
  private static final int LARGEST_STRIDE = 1 << 16;

  /** The time in which a flow-matching network's velocity is measured. */
  public enum TargetScale {
    /** Global time, as a vanilla checkpoint has it. */
    GLOBAL,
    /** The stage's own time, 1 to 0 in every stage: the paper's eq. 13, and Pyramid-Flow. */
    STAGE
  }

  /**
   * @throws IllegalArgumentException if a list has the wrong length or a value out of range
   */
  public StageConfig {
    rates = List.copyOf(rates);
    boundaries = List.copyOf(boundaries);
    stepSplit = List.copyOf(stepSplit);
    int stages = rates.size() + 1;
    checkArgument(
        rates.stream().allMatch(rate -> rate >= 2 && rate <= 64),
        "stages.rates: each from 2 to 64, found %s",
        rates);
    checkArgument(rates.size() <= 8, "stages.rates: at most 8 (9 stages), found %s", rates.size());
    checkArgument(
        rates.stream().mapToDouble(Integer::doubleValue).reduce(1, (a, b) -> a * b)
            <= LARGEST_STRIDE,
        "stages.rates: at most %s together, found %s",
        LARGEST_STRIDE,
        rates);
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

  /** {@code stages} stages, each at twice the frame rate of the one before; defaults otherwise. */
  public static StageConfig pyramid(int stages, FrameResampling resampling) {
    checkArgument(stages >= 1 && stages <= 9, "stages: from 1 to 9, found %s", stages);
    return new StageConfig(
        Collections.nCopies(stages - 1, 2), List.of(), List.of(), resampling, TargetScale.GLOBAL);
  }

  /** One stage: the checkpoint's own diffusion. */
  public static StageConfig vanilla() {
    return pyramid(1, FrameResampling.groupedFirstFrame());
  }

  /** The number K of stages. */
  public int stages() {
    return rates.size() + 1;
  }

  /** The frame stride r_K of the coarsest stage: the product of all rates. */
  public int largestStride() {
    return rates.stream().reduce(1, Math::multiplyExact);
  }

  /** Whether a clip of this many latent frames divides into the stages. */
  public boolean fits(int latentFrames) {
    return stages() == 1 ? latentFrames >= 1 : resampling.fits(latentFrames, largestStride());
  }

  /** The same with other rates. */
  public StageConfig withRates(List<Integer> others) {
    return new StageConfig(others, boundaries, stepSplit, resampling, targetScale);
  }

  /** The same with other boundaries. */
  public StageConfig withBoundaries(List<Double> others) {
    return new StageConfig(rates, others, stepSplit, resampling, targetScale);
  }

  /** The same with other shares of the steps. */
  public StageConfig withStepSplit(List<Integer> others) {
    return new StageConfig(rates, boundaries, others, resampling, targetScale);
  }

  /** The same with another target scale. */
  public StageConfig withTargetScale(TargetScale other) {
    return new StageConfig(rates, boundaries, stepSplit, resampling, other);
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
