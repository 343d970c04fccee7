package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The stages of one clip's grid on one schedule: sizes, boundaries, targets, linkage (Ran & Shou
 * 2026, section 3, along any axes).
 *
 * <p>Between its ends a stage is a straight line in (y, τ), from {@code x̂_s = γ_s·U·x^(k+1) +
 * σ_s·ε} to {@code x̂_e = γ_e·x^(k) + σ_e·ε} with the same ε (eq. 9 and 10); the target is its
 * slope (eq. 11 for ε, eq. 13 for flow matching), or what else the network predicts, which with the
 * noisy latents says that slope. The clean latents x^(k) are {@code D_k·x_0}, or whatever else
 * belongs to the clip (see {@link CleanPair}).
 */
public final class StagePlan {
  private final StageConfig config;
  private final NoiseSchedule schedule;
  private final LatentGrid grid;
  private final List<Stage> stages;
  private final List<Linkage> linkages;
  private final List<GridMatrix> repeated;

  StagePlan(StagePlan plan, List<Linkage> linkages) {
    config = plan.config;
    schedule = plan.schedule;
    grid = plan.grid;
    stages = plan.stages;
    repeated = plan.repeated;
    this.linkages = List.copyOf(linkages);
  }

  private StagePlan(StageConfig config, NoiseSchedule schedule, LatentGrid grid) {
    this.config = config;
    this.schedule = schedule;
    this.grid = grid;
    DiffusionForm form = schedule.form();
    List<Double> starts = starts(config, schedule);
    var stages = new ArrayList<Stage>();
    var linkages = new ArrayList<Linkage>();
    var repeated = new ArrayList<GridMatrix>();
    repeated.add(new GridMatrix(Map.of()));
    GridFactor strides = config.largestStrides();
    for (int i = 0; i < starts.size(); i++) {
      LatentGrid own = config.coarse(grid, strides);
      double start = starts.get(i);
      double end = 0;
      GridFactor rates = GridFactor.ONE;
      if (i + 1 < starts.size()) {
        rates = config.rates().get(i);
        GridMatrix up = config.up(own, rates);
        end =
            switch (config.ends()) {
              case LINKED -> Linkage.endTime(form, up, starts.get(i + 1));
              case CLEAN -> 0;
            };
        linkages.add(Linkage.between(form, up, end, starts.get(i + 1)));
        repeated.add(config.repeated(config.coarse(grid, strides.over(rates)), rates));
      }
      var view = new StageGrid(own, strides, config.space(), config.positions());
      stages.add(new Stage(starts.size() - i, view, start, end));
      strides = strides.over(rates);
    }
    this.stages = List.copyOf(stages);
    this.linkages = List.copyOf(linkages);
    this.repeated = List.copyOf(repeated);
  }

  /**
   * The plan for clips whose full-rate latents have a grid.
   *
   * @throws IllegalArgumentException if an axis does not fit the rates (the nearest sizes that do
   *     are named), or the boundaries or target scale do not fit the form
   */
  public static StagePlan of(StageConfig config, NoiseSchedule schedule, LatentGrid grid) {
    for (GridAxis axis : GridAxis.values()) {
      if (axis != GridAxis.TIME || !config.isStill(grid.frames())) {
        requireFit(config, axis, grid.along(axis));
      }
    }
    checkArgument(
        config.targetScale() == StageConfig.TargetScale.GLOBAL
            || schedule.form() instanceof FlowMatching,
        "stages.target_scale: stage is for flow matching only; use global with this checkpoint");
    return new StagePlan(config, schedule, grid);
  }

  private static void requireFit(StageConfig config, GridAxis axis, int places) {
    int stride = config.largestStrides().along(axis);
    AxisResampling resampling = config.along(axis);
    if (stride == 1 || resampling.fits(places, stride)) {
      return;
    }
    String what =
        switch (axis) {
          case TIME -> "latent frames";
          case HEIGHT -> "latent rows";
          case WIDTH -> "latent columns";
        };
    int below = resampling.fitBelow(places, stride);
    throw new IllegalArgumentException(
        "%s: %d do not divide into %d stages with rates %s; %s"
            .formatted(
                what,
                places,
                config.stages(),
                config.rates(),
                below > places
                    ? "the fewest that do are " + below
                    : "the nearest that do are " + below + " and " + (below + stride)));
  }

  /**
   * The configuration with its boundaries said, so that it means the same beside every schedule of
   * the form: what weights are trained for is kept like this.
   *
   * @throws IllegalArgumentException if the boundaries do not fit the form
   */
  public static StageConfig fixed(StageConfig config, NoiseSchedule schedule) {
    List<Double> starts = starts(config, schedule);
    return config.withBoundaries(starts.subList(1, starts.size()));
  }

  private static List<Double> starts(StageConfig config, NoiseSchedule schedule) {
    DiffusionForm form = schedule.form();
    int stages = config.stages();
    var starts = new ArrayList<Double>();
    starts.add(1.0);
    for (int i = 1; i < stages; i++) {
      double asked =
          config.boundaries().isEmpty()
              ? schedule.time((stages - i) / (double) stages)
              : config.boundaries().get(i - 1);
      double start = form.floorTime(asked);
      checkArgument(
          start > 0 && start < starts.get(i - 1),
          "stages.boundaries: %s falls on the timestep of its neighbour or below the first; "
              + "move it apart",
          asked);
      starts.add(start);
    }
    return starts;
  }

  /** What the user chose. */
  public StageConfig config() {
    return config;
  }

  /** The checkpoint's schedule. */
  public NoiseSchedule schedule() {
    return schedule;
  }

  /** The stages in sampling order, K first. */
  public List<Stage> stages() {
    return stages;
  }

  /** The full grid of a clip. */
  public LatentGrid grid() {
    return grid;
  }

  /**
   * Stage k, from K (coarsest) to 1.
   *
   * @throws IllegalArgumentException if there is none
   */
  public Stage stage(int number) {
    checkArgument(
        number >= 1 && number <= stages.size(),
        "stage: from 1 to %s, found %s",
        stages.size(),
        number);
    return stages.get(stages.size() - number);
  }

  /** How each stage but the first is entered, in sampling order. */
  List<Linkage> linkages() {
    return linkages;
  }

  /**
   * The line along which latents go through a stage.
   *
   * @throws IllegalArgumentException if it cannot be known ({@link StageConfig#coarserIsKnown})
   */
  StageLine line(Stage stage) {
    return StageLine.of(schedule, stage, repeated.get(index(stage)));
  }

  private int index(Stage stage) {
    return stages.size() - stage.number();
  }

  /** What sampling does on the way into a stage and inside it, as numbers. */
  public StageNumbers numbers(Stage stage) {
    int index = index(stage);
    AxisMatrix overTime = repeated.get(index).along(GridAxis.TIME, stage.frames());
    return new StageNumbers(
        predictionScale(stage),
        index == 0 ? Optional.empty() : Optional.of(entry(index)),
        StageLine.drift(schedule, stage, overTime).toLists());
  }

  private StageNumbers.Entry entry(int index) {
    Linkage linkage = linkages.get(index - 1);
    LatentGrid coarser = stages.get(index - 1).grid().size();
    return new StageNumbers.Entry(
        linkage.scale(),
        config.rates().get(index - 1),
        linkage.up().along(GridAxis.TIME, coarser.frames()).toLists(),
        linkage.noise().variance(),
        linkage.noise().kept(),
        linkage.noise().overTime(stages.get(index).frames()));
  }

  /** D_k·x_0: a full-rate clip on a stage's grid. */
  public Latents clean(Stage stage, Latents x0) {
    return config.down(grid, stage.strides()).apply(x0);
  }

  /** The clean latents of a stage that follow from the clip alone, D_k·x_0 and D_{k+1}·x_0. */
  public CleanPair cleanPair(Stage stage, Latents x0) {
    return new CleanPair(clean(stage, x0), coarser(stage).map(before -> clean(before, x0)));
  }

  /** The stage before a stage; empty for the first. */
  public Optional<Stage> coarser(Stage stage) {
    int index = index(stage);
    return index == 0 ? Optional.empty() : Optional.of(stages.get(index - 1));
  }

  /** The same with the clean latents of {@link #cleanPair}. */
  public TrainingExample example(Stage stage, double time, Latents x0, Latents noise) {
    return example(stage, time, cleanPair(stage, x0), noise);
  }

  /**
   * The noisy latents and the target of one stage at one time (eq. 9 to 13).
   *
   * @param stage one of this plan's
   * @param time in [e_k, s_k]
   * @param clean of the clip
   * @param noise ε on the stage's grid
   * @throws IllegalArgumentException if the time lies outside the stage or a shape does not fit
   */
  public TrainingExample example(Stage stage, double time, CleanPair clean, Latents noise) {
    checkArgument(
        time >= stage.end() && time <= stage.start(),
        "time: stage %s runs from %s to %s, found %s",
        stage.number(),
        stage.start(),
        stage.end(),
        time);
    checkArgument(
        clean.own().shape().grid().equals(stage.grid().size()),
        "latents: stage %s is of %s, found %s",
        stage.number(),
        stage.grid().size(),
        clean.own().shape());
    DiffusionForm form = schedule.form();
    Latents start = clean.coarser().map(x -> up(stage).apply(x)).orElseGet(clean::own);
    double tau = form.tau(time);
    double end = form.tau(stage.end());
    double length = form.tau(stage.start()) - end;
    double part = (tau - end) / length;
    double atStart = signal(stage.start());
    double atEnd = signal(stage.end());
    Latents y = clean.own().mix((1 - part) * atEnd, part * atStart, start).plus(tau, noise);
    Latents slope = clean.own().mix(-atEnd / length, atStart / length, start).plus(1, noise);
    Latents x = y.times(form.scale(time));
    Latents target = form.prediction(x, slope, time).times(predictionScale(stage));
    return new TrainingExample(x, form.timestep(time), target, stage);
  }

  private GridMatrix up(Stage stage) {
    return linkages.get(index(stage) - 1).up();
  }

  private double signal(double t) {
    DiffusionForm form = schedule.form();
    return form.gamma(t) / form.scale(t);
  }

  /** What the network predicts in units of dy/dτ: 1, or the stage's length in its own time. */
  double predictionScale(Stage stage) {
    DiffusionForm form = schedule.form();
    return switch (config.targetScale()) {
      case GLOBAL -> 1;
      case STAGE -> form.tau(stage.start()) - form.tau(stage.end());
    };
  }
}
