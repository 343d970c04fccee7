package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * Chooses stages from data: how many, how much coarser along which axes, where each begins, and how
 * the steps are shared out.
 *
 * <p>A stage of some strides may run down to the time at which what they discard begins to show by
 * more than a budget (see {@link LatentSpectrum#informationLost}); later would lose it, sooner
 * would cost more. So every sequence of strides has one best set of boundaries, and the cheapest
 * sequence wins. With boundaries in equal parts of the schedule instead, a sequence is open to a
 * clip if none of its boundaries loses more than the budget.
 *
 * <p>The measure is one for all axes, nats per value, and so is the price, which weighs them
 * against each other.
 *
 * @param schedule the checkpoint's
 * @param spectrum of the user's clips
 * @param budget nats per latent frame, channel, row and column that a boundary may lose, above 0
 */
public record StagePlanner(NoiseSchedule schedule, LatentSpectrum spectrum, double budget) {
  /** More would be weighed for long, and the paper found a fourth to be no gain. */
  private static final int MOST_STAGES = 4;

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
   * What may be chosen.
   *
   * @param vanilla one stage, with all that holds of every candidate: how places are dropped and
   *     repeated, targets
   * @param most stages, from 1 to 4; the largest stride along an axis is {@code 2^(most − 1)}
   * @param multiple of latent rows and columns that every stage must have: the size of a patch
   * @param boundaries where stages begin
   */
  public record Search(StageConfig vanilla, int most, int multiple, Boundaries boundaries) {
    /**
     * @throws IllegalArgumentException if a number is out of range or there is more than one stage
     */
    public Search {
      checkArgument(
          most >= 1 && most <= MOST_STAGES, "stages: from 1 to %s, found %s", MOST_STAGES, most);
      checkArgument(multiple >= 1, "multiple: at least 1, found %s", multiple);
      checkArgument(vanilla.stages() == 1, "stages: expected one, found %s", vanilla.stages());
    }
  }

  /**
   * A configuration that was weighed.
   *
   * @param stages the configuration
   * @param starts of the stages after the first, as times
   * @param lost nats per value at each of them
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

  /** The earliest end of strides: the smallest time at which they lose no more than the budget. */
  public double lastTime(GridFactor strides) {
    double shows = 0;
    double hidden = 1;
    while (hidden - shows > 1e-6) {
      double middle = 0.5 * (shows + hidden);
      if (lost(strides, schedule.time(middle)) <= budget) {
        hidden = middle;
      } else {
        shows = middle;
      }
    }
    return schedule.time(hidden);
  }

  private double lost(GridFactor strides, double time) {
    return spectrum.informationLost(strides, schedule.form(), time);
  }

  /**
   * What may be chosen: one stage, and every sequence of strides that are powers of two over time
   * and over space, rows and columns together, into which the clips' grid divides; each with its
   * cheapest share of the steps.
   *
   * @param cost of a configuration, in any unit
   */
  public List<Candidate> candidates(Search search, ToDoubleFunction<StageConfig> cost) {
    var candidates = new ArrayList<Candidate>();
    StageConfig vanilla = search.vanilla();
    candidates.add(new Candidate(vanilla, List.of(), List.of(), cost.applyAsDouble(vanilla)));
    for (List<GridFactor> strides : sequences(search)) {
      StageConfig config = vanilla.withRates(rates(strides));
      Optional<StageConfig> placed =
          switch (search.boundaries()) {
            case SCHEDULE -> Optional.of(cheapestSplit(config, cost));
            case SPECTRUM -> withinSpectrum(config, strides);
          };
      placed.ifPresent(stages -> candidates.add(candidate(stages, strides, cost)));
    }
    return candidates;
  }

  private Candidate candidate(
      StageConfig config, List<GridFactor> strides, ToDoubleFunction<StageConfig> cost) {
    List<Double> starts = StagePlan.fixed(config, schedule).boundaries();
    var lost = new ArrayList<Double>();
    for (int i = 0; i < strides.size(); i++) {
      lost.add(lost(strides.get(i), starts.get(i)));
    }
    return new Candidate(config, starts, lost, cost.applyAsDouble(config));
  }

  /** Whether a candidate loses no more than the budget at any boundary. */
  public boolean keeps(Candidate candidate) {
    return candidate.mostLost() <= budget * (1 + ROUNDING);
  }

  /** The candidates that lose no more than the budget at any boundary, the cheapest first. */
  public List<Candidate> open(List<Candidate> candidates) {
    return candidates.stream()
        .filter(this::keeps)
        .sorted(Comparator.comparingDouble(Candidate::cost))
        .toList();
  }

  /** The cheapest of the candidates that lose no more than the budget at any boundary. */
  public Candidate choose(List<Candidate> candidates) {
    return open(candidates).stream()
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("stages: nothing to choose from"));
  }

  /** Every falling sequence of strides above 1. */
  private List<List<GridFactor>> sequences(Search search) {
    var all = new ArrayList<GridFactor>();
    for (int time = 1; time < 1 << search.most(); time *= 2) {
      for (int side = 1; side < 1 << search.most(); side *= 2) {
        var strides = new GridFactor(time, side, side);
        if (time * side > 1 && fits(search, strides)) {
          all.add(strides);
        }
      }
    }
    var sequences = new ArrayList<List<GridFactor>>();
    var longest = List.<List<GridFactor>>of(List.of());
    for (int stages = 2; stages <= search.most(); stages++) {
      longest = longest.stream().flatMap(finer -> coarser(finer, all).stream()).toList();
      sequences.addAll(longest);
    }
    return sequences;
  }

  private boolean fits(Search search, GridFactor strides) {
    StageConfig config = search.vanilla().withRates(List.of(strides));
    LatentGrid grid = spectrum.grid();
    return config.fits(GridAxis.TIME, grid.frames())
        && GridAxis.OF_SPACE.stream()
            .allMatch(axis -> config.fits(axis, grid.along(axis) / search.multiple()));
  }

  /** A sequence with each of the strides before it that are multiples of its first. */
  private static List<List<GridFactor>> coarser(List<GridFactor> finer, List<GridFactor> all) {
    GridFactor first = finer.isEmpty() ? GridFactor.ONE : finer.get(0);
    var longer = new ArrayList<List<GridFactor>>();
    for (GridFactor strides : all) {
      if (strides.time() >= first.time()
          && strides.height() >= first.height()
          && !strides.equals(first)) {
        var sequence = new ArrayList<>(finer);
        sequence.add(0, strides);
        longer.add(sequence);
      }
    }
    return longer;
  }

  private static List<GridFactor> rates(List<GridFactor> strides) {
    var rates = new ArrayList<GridFactor>();
    for (int i = 0; i < strides.size(); i++) {
      rates.add(strides.get(i).over(i + 1 < strides.size() ? strides.get(i + 1) : GridFactor.ONE));
    }
    return rates;
  }

  /**
   * The cheapest shares of the steps, each 1 or 2, among which no step is longer than the longest
   * of equal shares, in the schedule: stages overlap, the more the larger their rates, so that
   * equal shares are not always equal steps.
   */
  private StageConfig cheapestSplit(StageConfig config, ToDoubleFunction<StageConfig> cost) {
    List<Double> lengths = lengths(config);
    double longest = longestStep(lengths, config);
    StageConfig cheapest = config;
    double least = cost.applyAsDouble(config);
    for (int doubled = 1; doubled < (1 << config.stages()) - 1; doubled++) {
      var shares = new ArrayList<Integer>();
      for (int i = 0; i < config.stages(); i++) {
        shares.add((doubled >> i & 1) + 1);
      }
      StageConfig split = config.withStepSplit(shares);
      double price = cost.applyAsDouble(split);
      if (price < least && longestStep(lengths, split) <= longest) {
        cheapest = split;
        least = price;
      }
    }
    return cheapest;
  }

  /** The longest step of a configuration, in steps of the schedule undivided. */
  double longestStep(StageConfig config) {
    return longestStep(lengths(config), config);
  }

  private static double longestStep(List<Double> lengths, StageConfig config) {
    int total = SHARES * config.stages();
    List<Integer> steps = config.splitSteps(total);
    double longest = 0;
    for (int i = 0; i < steps.size(); i++) {
      longest = Math.max(longest, lengths.get(i) * total / steps.get(i));
    }
    return longest;
  }

  /** How much of the schedule each stage runs through. */
  private List<Double> lengths(StageConfig config) {
    return StagePlan.of(config, schedule, spectrum.grid()).stages().stream()
        .map(stage -> schedule.fraction(stage.start()) - schedule.fraction(stage.end()))
        .toList();
  }

  /** Empty if the first stage would be shorter than the shortest. */
  private Optional<StageConfig> withinSpectrum(StageConfig config, List<GridFactor> strides) {
    List<Double> fractions = fractions(strides);
    return fractions.get(0) <= 1 - SHORTEST
        ? Optional.of(within(config, fractions))
        : Optional.empty();
  }

  /** Where strides end, no sooner than leaves every stage after them its shortest length. */
  private List<Double> fractions(List<GridFactor> strides) {
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
