package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The stages of one clip length on one schedule: frame counts, boundaries, targets, linkage (Ran &
 * Shou 2026, section 3).
 *
 * <p>Between its ends a stage is a straight line in (y, τ), from {@code x̂_s = γ_s·U·D_{k+1}·x_0 +
 * σ_s·ε} to {@code x̂_e = γ_e·D_k·x_0 + σ_e·ε} with the same ε (eq. 9 and 10); the target is its
 * slope (eq. 11 for ε, eq. 13 for flow matching), or what else the network predicts, which with the
 * noisy latents says that slope.
 */
public final class StagePlan {
  private final StageConfig config;
  private final NoiseSchedule schedule;
  private final List<Stage> stages;
  private final List<Linkage> linkages;
  private final List<Ends> ends;
  private final List<StageLine> lines;
  private final List<TimeMatrix> repeated;

  /** The data's part of a stage's ends: matrices from full-rate frames to y at s and e. */
  private record Ends(TimeMatrix start, TimeMatrix end) {}

  StagePlan(StagePlan plan, List<Linkage> linkages) {
    config = plan.config;
    schedule = plan.schedule;
    stages = plan.stages;
    ends = plan.ends;
    lines = plan.lines;
    repeated = plan.repeated;
    this.linkages = List.copyOf(linkages);
  }

  private StagePlan(StageConfig config, NoiseSchedule schedule, int frames) {
    this.config = config;
    this.schedule = schedule;
    DiffusionForm form = schedule.form();
    FrameResampling resampling = config.resampling();
    List<Double> starts = starts(config, schedule);
    var stages = new ArrayList<Stage>();
    var linkages = new ArrayList<Linkage>();
    var ends = new ArrayList<Ends>();
    var lines = new ArrayList<StageLine>();
    int stride = config.largestStride();
    TimeMatrix entry = resampling.down(frames, stride);
    var repeats = new ArrayList<TimeMatrix>();
    TimeMatrix repeated = TimeMatrix.identity(entry.rows());
    for (int i = 0; i < starts.size(); i++) {
      TimeMatrix down = resampling.down(frames, stride);
      double start = starts.get(i);
      double end = 0;
      TimeMatrix nextEntry = down;
      TimeMatrix nextRepeated = repeated;
      if (i + 1 < starts.size()) {
        int rate = config.rates().get(i);
        TimeMatrix up = resampling.up(down.rows(), rate);
        end = Linkage.endTime(form, up, starts.get(i + 1));
        linkages.add(Linkage.between(form, up, end, starts.get(i + 1)));
        nextEntry = up.times(down);
        nextRepeated = up.times(resampling.down(up.rows(), rate));
      }
      var stage = new Stage(starts.size() - i, down.rows(), stride, start, end);
      stages.add(stage);
      ends.add(new Ends(scaled(entry, start), scaled(down, end)));
      lines.add(StageLine.of(schedule, stage, repeated));
      repeats.add(repeated);
      entry = nextEntry;
      repeated = nextRepeated;
      stride = i + 1 < starts.size() ? stride / config.rates().get(i) : 1;
    }
    this.stages = List.copyOf(stages);
    this.linkages = List.copyOf(linkages);
    this.ends = List.copyOf(ends);
    this.lines = List.copyOf(lines);
    this.repeated = List.copyOf(repeats);
  }

  /**
   * The plan for clips of {@code frames} full-rate latent frames.
   *
   * @throws IllegalArgumentException if the length does not fit the rates (the nearest lengths that
   *     do are named), or the boundaries or target scale do not fit the form
   */
  public static StagePlan of(StageConfig config, NoiseSchedule schedule, int frames) {
    int stride = config.largestStride();
    FrameResampling resampling = config.resampling();
    if (config.stages() > 1 && !resampling.fits(frames, stride)) {
      int below = resampling.fitBelow(frames, stride);
      throw new IllegalArgumentException(
          "latent frames: "
              + frames
              + " do not divide into "
              + config.stages()
              + " stages with rates "
              + config.rates()
              + (below > frames
                  ? "; the shortest clip that does has " + below
                  : "; the nearest lengths that do are " + below + " and " + (below + stride)));
    }
    checkArgument(frames >= 1, "latent frames: at least 1, found %s", frames);
    checkArgument(
        config.targetScale() == StageConfig.TargetScale.GLOBAL
            || schedule.form() instanceof FlowMatching,
        "stages.target_scale: stage is for flow matching only; use global with this checkpoint");
    return new StagePlan(config, schedule, frames);
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

  private TimeMatrix scaled(TimeMatrix data, double t) {
    DiffusionForm form = schedule.form();
    return data.mix(form.gamma(t) / form.scale(t), 0, data);
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

  /** Full-rate latent frames of a clip. */
  public int frames() {
    return stages.get(stages.size() - 1).frames();
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

  /** The line along which latents go through a stage. */
  StageLine line(Stage stage) {
    return lines.get(stages.size() - stage.number());
  }

  /** What sampling does on the way into a stage and inside it, as numbers. */
  public StageNumbers numbers(Stage stage) {
    int index = stages.size() - stage.number();
    return new StageNumbers(
        predictionScale(stage),
        index == 0 ? Optional.empty() : Optional.of(linkages.get(index - 1).numbers()),
        StageLine.drift(schedule, stage, repeated.get(index)).toLists());
  }

  /** D_k·x_0: a full-rate clip at a stage's frame rate, as alignment needs it. */
  public Latents clean(Stage stage, Latents x0) {
    return config.resampling().down(frames(), stage.stride()).apply(x0);
  }

  /**
   * The noisy latents and the target of one stage at one time (eq. 9 to 13).
   *
   * @param stage one of this plan's
   * @param time in [e_k, s_k]
   * @param x0 clean latents at full rate
   * @param noise ε at the stage's frame count
   * @throws IllegalArgumentException if the time lies outside the stage or a shape does not fit
   */
  public TrainingExample example(Stage stage, double time, Latents x0, Latents noise) {
    checkArgument(
        time >= stage.end() && time <= stage.start(),
        "time: stage %s runs from %s to %s, found %s",
        stage.number(),
        stage.start(),
        stage.end(),
        time);
    DiffusionForm form = schedule.form();
    Ends of = ends.get(stages.size() - stage.number());
    double tau = form.tau(time);
    double end = form.tau(stage.end());
    double length = form.tau(stage.start()) - end;
    double part = (tau - end) / length;
    Latents y = of.end.mix(1 - part, part, of.start).apply(x0).plus(tau, noise);
    Latents slope = of.end.mix(-1 / length, 1 / length, of.start).apply(x0).plus(1, noise);
    Latents x = y.times(form.scale(time));
    Latents target = form.prediction(x, slope, time).times(predictionScale(stage));
    return new TrainingExample(x, form.timestep(time), target, stage);
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
