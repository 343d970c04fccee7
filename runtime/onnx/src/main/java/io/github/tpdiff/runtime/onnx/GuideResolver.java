package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.diffusion.DdimSchedule;
import io.github.tpdiff.runtime.diffusion.DiffusionForm;
import io.github.tpdiff.runtime.diffusion.FlowSchedule;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.NoiseLevels;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.PredictionType;
import io.github.tpdiff.runtime.diffusion.SamplerStep;
import io.github.tpdiff.runtime.diffusion.Samplers;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageNumbers;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.Steps;
import io.github.tpdiff.runtime.diffusion.VariancePreserving;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.onnx.SamplingGuide.Axes;
import io.github.tpdiff.runtime.onnx.SamplingGuide.Defaults;
import io.github.tpdiff.runtime.onnx.SamplingGuide.Diffusion;
import io.github.tpdiff.runtime.onnx.SamplingGuide.EntryGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.Point;
import io.github.tpdiff.runtime.onnx.SamplingGuide.PyramidGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.ScheduleGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.StageGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.StepGuide;
import io.github.tpdiff.runtime.pipeline.Sampling;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What a model's defaults come to in some stages, as numbers.
 *
 * <p>Where the default clip does not divide into the stages, the longest shorter one that does
 * stands for it, else the shortest; where the default steps do not, as many as do.
 */
final class GuideResolver {
  private final ModelDescription description;
  private final StageConfig config;
  private final Sampling sampling;
  private final Scheduler scheduler;
  private final NoiseSchedule schedule;

  GuideResolver(ModelDescription description, StageConfig stages) {
    this.description = description;
    this.config = stages;
    this.sampling = Sampling.of(description);
    this.scheduler = sampling.scheduler();
    this.schedule = scheduler.schedule();
  }

  Defaults defaults() {
    ModelDescription.Latents latents = description.latents();
    LatentGrid grid = grid();
    return new Defaults(
        latents.frames(grid.frames()),
        grid.height() * latents.spatialFactor(),
        grid.width() * latents.spatialFactor(),
        description.defaults().fps(),
        steps(),
        0,
        "",
        latentShape(grid));
  }

  PyramidGuide pyramid() {
    return new PyramidGuide(config.space(), config.targets());
  }

  private List<Integer> latentShape(LatentGrid grid) {
    int channels = description.latents().channels();
    return List.of(1, channels, grid.frames(), grid.height(), grid.width());
  }

  private LatentGrid grid() {
    ModelDescription.Latents latents = description.latents();
    ModelDescription.Defaults own = description.defaults();
    return new LatentGrid(
        latentFrames(),
        latents.sideFor(config, GridAxis.HEIGHT, own.height()) / latents.spatialFactor(),
        latents.sideFor(config, GridAxis.WIDTH, own.width()) / latents.spatialFactor());
  }

  private int latentFrames() {
    int wanted = Math.max(1, description.latents().latentFrames(description.defaults().frames()));
    return IntStream.iterate(wanted, frames -> frames >= 1, frames -> frames - 1)
        .filter(config::fits)
        .findFirst()
        .orElseGet(
            () ->
                IntStream.iterate(wanted, f -> f + 1)
                    .filter(config::fits)
                    .findFirst()
                    .orElseThrow());
  }

  /** The default number, or the largest below it that every stage has times for. */
  private int steps() {
    if (!(sampling.steps() instanceof Steps.Count)) {
      return sampling.steps().in(plan()).stream().mapToInt(List::size).sum();
    }
    int wanted = Math.max(config.stages(), description.defaults().steps());
    return IntStream.iterate(wanted, n -> n > config.stages(), n -> n - 1)
        .filter(this::haveTimes)
        .findFirst()
        .orElse(config.stages());
  }

  private boolean haveTimes(int steps) {
    try {
      grids(plan(), steps);
      return true;
    } catch (IllegalArgumentException tooMany) {
      return false;
    }
  }

  private StagePlan plan() {
    return StagePlan.of(config, schedule, grid());
  }

  private List<List<SamplerStep>> grids(StagePlan plan, int steps) {
    return sampling.steps() instanceof Steps.Count
        ? Steps.count(steps).in(plan)
        : sampling.steps().in(plan);
  }

  List<StageGuide> stages() {
    StagePlan plan = plan();
    sampling.guidance().requireStages(plan.stages().size());
    List<List<SamplerStep>> grids = grids(plan, steps());
    return IntStream.range(0, grids.size())
        .mapToObj(i -> stage(plan, plan.stages().get(i), grids.get(i)))
        .toList();
  }

  private StageGuide stage(StagePlan plan, Stage stage, List<SamplerStep> grid) {
    StageNumbers numbers = plan.numbers(stage);
    return new StageGuide(
        stage.number(),
        latentShape(stage.grid().size()),
        stage.frames(),
        stage.strides().time(),
        Axes.of(stage.strides()),
        Arrays.stream(stage.grid().positions(GridAxis.TIME)).boxed().toList(),
        Axes.of(stage.grid().positionStrides()),
        stage.start(),
        stage.end(),
        numbers.predictionScale(),
        numbers.entry().map(GuideResolver::entry),
        config.coarserIsKnown() ? Optional.of(numbers.drift()) : Optional.empty(),
        -1 / schedule.form().tau(stage.start()),
        grid.stream()
            .map(step -> new StepGuide(step.timestep(), point(step.time()), point(step.next())))
            .toList());
  }

  private static EntryGuide entry(StageNumbers.Entry entry) {
    return new EntryGuide(
        entry.scale(),
        Axes.of(entry.rates()),
        entry.upsampling(),
        entry.variance(),
        entry.kept(),
        entry.overTime().map(StageNumbers.NoiseOverTime::covariance),
        entry.overTime().map(StageNumbers.NoiseOverTime::factor));
  }

  private Point point(double time) {
    DiffusionForm form = schedule.form();
    return new Point(time, form.gamma(time), form.sigma(time));
  }

  Diffusion diffusion() {
    boolean table = schedule.form() instanceof VariancePreserving;
    return new Diffusion(
        table ? "variance_preserving" : "flow_matching",
        "x = gamma * x0 + sigma * noise",
        table ? "y = x / gamma, tau = sigma / gamma" : "y = x, tau = sigma",
        predicts(),
        slope(),
        "p = p_negative + guidance_scale * (p_prompt - p_negative); at a scale of 1 p_prompt alone",
        sampling.guidance().stages().stream().map(GuideResolver::scale).toList(),
        sampling.guidance().interval().map(NoiseLevels::lists).orElse(List.of()),
        !(sampling.steps() instanceof Steps.Count),
        Samplers.nameOf(scheduler.sampler()),
        "standard normal float32 numbers in the order of torch's CPU generator: manual_seed(seed),"
            + " then randn of [1, channels, frames, rows, columns of the stage] once on the way"
            + " into each stage, in sampling order"
            + (renewsNoise() ? ", and after it once for each of its steps that adds noise" : ""),
        scheduleGuide());
  }

  private static double scale(Guidance guidance) {
    return guidance instanceof Guidance.Scale own ? own.guidanceScale() : 1;
  }

  private boolean renewsNoise() {
    return Samplers.nameOf(scheduler.sampler()).equals("dpm-sde");
  }

  private String predicts() {
    return schedule.form() instanceof VariancePreserving table
        ? Words.of(table.predicts())
        : "flow";
  }

  private String slope() {
    PredictionType type =
        schedule.form() instanceof VariancePreserving table
            ? table.predicts()
            : PredictionType.EPSILON;
    return switch (type) {
      case EPSILON -> "dy/dtau = p / prediction_scale";
      case V_PREDICTION -> "dy/dtau = gamma * p / prediction_scale + sigma * x";
      case SAMPLE -> "dy/dtau = (x - gamma * p / prediction_scale) / sigma";
    };
  }

  private ScheduleGuide scheduleGuide() {
    if (schedule instanceof FlowSchedule flow) {
      return new ScheduleGuide(
          Words.of(flow.spacing()),
          flow.form().trainTimesteps(),
          Optional.of(flow.shift()),
          Optional.empty(),
          Optional.empty(),
          List.of());
    }
    var table = (DdimSchedule) schedule;
    int rows = table.form().trainTimesteps();
    return new ScheduleGuide(
        Words.of(table.spacing()),
        rows,
        Optional.empty(),
        Optional.of(table.stepsOffset()),
        Optional.of(table.finalTime()),
        IntStream.rangeClosed(1, rows)
            .mapToObj(row -> table.form().alphaCumprod((double) row / rows))
            .toList());
  }
}
