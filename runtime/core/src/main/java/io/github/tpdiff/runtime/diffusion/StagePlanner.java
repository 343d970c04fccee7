package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Chooses stages from data: how many, and where each begins.
 *
 * <p>A stage of stride r may run down to the time at which what r discards begins to show by more
 * than a budget (see {@link TemporalSpectrum#informationLost}); later would lose it, sooner would
 * cost more. So every set of strides has one best set of boundaries, and the cheapest set wins.
 * With boundaries in equal parts of the schedule instead, a set of strides is open to a clip if
 * none of them loses more than the budget.
 *
 * @param schedule the checkpoint's
 * @param spectrum of the user's clips
 * @param budget nats per frame of one channel and pixel that a boundary may lose, above 0
 */
public record StagePlanner(NoiseSchedule schedule, TemporalSpectrum spectrum, double budget) {
  /** The resolution of step shares: hundredths of the schedule. */
  private static final int SHARES = 100;

  /** Of the schedule: a step of twenty. */
  private static final double SHORTEST = 0.05;

  /** Boundaries that take the budget exactly are found by halving. */
  private static final double ROUNDING = 1e-3;

  /** Where stages begin. */
  public enum Boundaries {
    /** At equal parts of the checkpoint's own schedule. */
    SCHEDULE,
    /** Where what the stage before discards takes the budget. */
    SPECTRUM
  }

  /**
   * A configuration that was weighed.
   *
   * @param stages the configuration
   * @param starts of the stages after the first, as times
   * @param lost nats per frame of one channel and pixel at each of them
   * @param cost in the unit of the price that was given
   */
  public record Candidate(StageConfig stages, List<Double> starts, List<Double> lost, double cost) {
    public Candidate {
      starts = List.copyOf(starts);
      lost = List.copyOf(lost);
    }

    /** The most that is lost at a boundary; 0 without one. */
    public double mostLost() {
      return lost.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    }
  }

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
      if (lost(stride, schedule.time(middle)) <= budget) {
        hidden = middle;
      } else {
        shows = middle;
      }
    }
    return schedule.time(hidden);
  }

  private double lost(int stride, double time) {
    return spectrum.informationLost(stride, schedule.form(), time);
  }

  /**
   * What may be chosen: one stage, and every set of strides that are powers of two and fit the
   * clips' length.
   *
   * @param maxStages at least 1
   * @param resampling how frames are dropped and repeated
   * @param cost of a configuration, in any unit
   */
  public List<Candidate> candidates(
      int maxStages,
      FrameResampling resampling,
      Boundaries boundaries,
      ToDoubleFunction<StageConfig> cost) {
    checkArgument(maxStages >= 1 && maxStages <= 9, "stages: from 1 to 9, found %s", maxStages);
    var candidates = new ArrayList<Candidate>();
    StageConfig vanilla = StageConfig.pyramid(1, resampling);
    candidates.add(new Candidate(vanilla, List.of(), List.of(), cost.applyAsDouble(vanilla)));
    for (List<Integer> strides : strides(maxStages, resampling)) {
      StageConfig config = vanilla.withRates(rates(strides));
      if (boundaries == Boundaries.SCHEDULE) {
        candidates.add(candidate(config, strides, cost));
      } else {
        List<Double> fractions = fractions(strides);
        if (fractions.get(0) <= 1 - SHORTEST) {
          candidates.add(candidate(within(config, fractions), strides, cost));
        }
      }
    }
    return candidates;
  }

  private Candidate candidate(
      StageConfig config, List<Integer> strides, ToDoubleFunction<StageConfig> cost) {
    List<Double> starts = StagePlan.fixed(config, schedule).boundaries();
    var lost = new ArrayList<Double>();
    for (int i = 0; i < strides.size(); i++) {
      lost.add(lost(strides.get(i), starts.get(i)));
    }
    return new Candidate(config, starts, lost, cost.applyAsDouble(config));
  }

  /** The cheapest of the candidates that lose no more than the budget at any boundary. */
  public Candidate choose(List<Candidate> candidates) {
    return candidates.stream()
        .filter(candidate -> candidate.mostLost() <= budget * (1 + ROUNDING))
        .min(Comparator.comparingDouble(Candidate::cost))
        .orElseThrow(() -> new IllegalArgumentException("stages: nothing to choose from"));
  }

  /** Every falling list of strides above 1. */
  private List<List<Integer>> strides(int maxStages, FrameResampling resampling) {
    int levels = maxStages - 1;
    var lists = new ArrayList<List<Integer>>();
    for (int chosen = 1; chosen < 1 << levels; chosen++) {
      var strides = new ArrayList<Integer>();
      for (int level = levels; level >= 1; level--) {
        if ((chosen >> (level - 1) & 1) == 1) {
          strides.add(1 << level);
        }
      }
      if (resampling.axis().fits(spectrum.frames(), strides.get(0))) {
        lists.add(strides);
      }
    }
    return lists;
  }

  private static List<GridFactor> rates(List<Integer> strides) {
    var rates = new ArrayList<GridFactor>();
    for (int i = 0; i < strides.size(); i++) {
      rates.add(
          GridFactor.ofTime(strides.get(i) / (i + 1 < strides.size() ? strides.get(i + 1) : 1)));
    }
    return rates;
  }

  /** Where strides end, no sooner than leaves every stage after them its shortest length. */
  private List<Double> fractions(List<Integer> strides) {
    var fractions = new ArrayList<Double>();
    double below = 0;
    for (int i = strides.size() - 1; i >= 0; i--) {
      below = Math.max(schedule.fraction(lastTime(strides.get(i))), below + SHORTEST);
      fractions.add(0, below);
    }
    return fractions;
  }

  /** Boundaries at fractions of the schedule, each stage with as many steps as it is long. */
  private StageConfig within(StageConfig config, List<Double> fractions) {
    var times = new ArrayList<Double>();
    var shares = new ArrayList<Integer>();
    double above = 1;
    for (double fraction : fractions) {
      times.add(schedule.form().ceilTime(schedule.time(fraction)));
      shares.add((int) Math.round((above - fraction) * SHARES));
      above = fraction;
    }
    shares.add((int) Math.round(above * SHARES));
    return config.withBoundaries(times).withStepSplit(shares);
  }
}
