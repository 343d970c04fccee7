package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Chooses stages from data: how many, and where each begins.
 *
 * <p>A stage of stride r may run down to the time at which what r discards begins to show by more
 * than a budget (see {@link TemporalSpectrum#informationLost}); later would lose it, sooner would
 * cost more. So every set of strides has one best set of boundaries, and the cheapest set wins.
 *
 * @param schedule the checkpoint's
 * @param spectrum of the user's clips
 * @param budget nats per frame of one channel and pixel that a boundary may lose, above 0
 */
public record StagePlanner(NoiseSchedule schedule, TemporalSpectrum spectrum, double budget) {
  /** The resolution of step shares: hundredths of the schedule. */
  private static final int SHARES = 100;

  /**
   * @throws IllegalArgumentException if the budget is not positive
   */
  public StagePlanner {
    checkArgument(
        budget > 0 && Double.isFinite(budget), "planner.budget: must be above 0, found %s", budget);
  }

  /** The earliest end of a stride: the smallest time at which it loses no more than the budget. */
  public double lastTime(int stride) {
    double shows = 0;
    double hidden = 1;
    while (hidden - shows > 1e-6) {
      double middle = 0.5 * (shows + hidden);
      double t = schedule.time(middle);
      if (spectrum.informationLost(stride, schedule.form(), t) <= budget) {
        hidden = middle;
      } else {
        shows = middle;
      }
    }
    return schedule.time(hidden);
  }

  /**
   * The cheapest configuration of at most {@code maxStages} stages whose strides are powers of two.
   *
   * @param maxStages at least 1; one stage is always among the candidates
   * @param resampling how frames are dropped and repeated
   * @param cost of sampling with a configuration, in any unit
   */
  public StageConfig choose(
      int maxStages, FrameResampling resampling, ToDoubleFunction<StageConfig> cost) {
    checkArgument(maxStages >= 1 && maxStages <= 9, "stages: from 1 to 9, found %s", maxStages);
    StageConfig best = StageConfig.pyramid(1, resampling);
    double least = cost.applyAsDouble(best);
    for (StageConfig candidate : candidates(maxStages, resampling)) {
      double price = cost.applyAsDouble(candidate);
      if (price < least) {
        best = candidate;
        least = price;
      }
    }
    return best;
  }

  /** Every falling list of strides whose stages are long enough to be worth a step. */
  List<StageConfig> candidates(int maxStages, FrameResampling resampling) {
    int levels = maxStages - 1;
    var candidates = new ArrayList<StageConfig>();
    for (int chosen = 1; chosen < 1 << levels; chosen++) {
      var strides = new ArrayList<Integer>();
      for (int level = levels; level >= 1; level--) {
        if ((chosen >> (level - 1) & 1) == 1) {
          strides.add(1 << level);
        }
      }
      if (resampling.fits(spectrum.frames(), strides.get(0))) {
        addIfStagesAreLong(candidates, strides, resampling);
      }
    }
    return candidates;
  }

  private void addIfStagesAreLong(
      List<StageConfig> candidates, List<Integer> strides, FrameResampling resampling) {
    var rates = new ArrayList<Integer>();
    var boundaries = new ArrayList<Double>();
    var shares = new ArrayList<Integer>();
    double above = 1;
    for (int i = 0; i < strides.size(); i++) {
      double boundary = lastTime(strides.get(i));
      double fraction = schedule.fraction(boundary);
      rates.add(strides.get(i) / (i + 1 < strides.size() ? strides.get(i + 1) : 1));
      boundaries.add(boundary);
      shares.add((int) Math.round((above - fraction) * SHARES));
      above = fraction;
    }
    shares.add((int) Math.round(above * SHARES));
    if (shares.stream().allMatch(share -> share >= 1)) {
      candidates.add(
          new StageConfig(rates, boundaries, shares, resampling, StageConfig.TargetScale.GLOBAL));
    }
  }
}
