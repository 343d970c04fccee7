package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.FirstFrame;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The staged process returns the law of the data, up to the solver's error. */
class StagedSamplingOracleTest {
  private static final double RHO = 0.9;

  static Stream<Arguments> everyPyramid() {
    var all = new ArrayList<Arguments>();
    for (NoiseSchedule schedule : List.of(flow(), new ContinuousDdim())) {
      for (var down : Downsampling.values()) {
        for (var up : Upsampling.values()) {
          for (var first : FirstFrame.values()) {
            for (List<Integer> rates :
                List.<List<Integer>>of(
                    List.of(),
                    List.of(2),
                    List.of(2, 2),
                    List.of(4, 2),
                    List.of(2, 2, 2),
                    List.of(2, 2, 2, 2))) {
              all.add(Arguments.of(schedule, new FrameResampling(down, up, first), rates));
            }
          }
        }
      }
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("everyPyramid")
  void heun_reachesTheDataLawAsTheSquareOfTheStep(
      NoiseSchedule schedule, FrameResampling resampling, List<Integer> rates) {
    var oracle = oracle(schedule, resampling, rates);
    double coarse = oracle.covarianceError(new HeunSampler(), 10);
    double medium = oracle.covarianceError(new HeunSampler(), 40);
    double fine = oracle.covarianceError(new HeunSampler(), 160);
    assertThat(fine).isLessThan(1e-4);
    assertThat(coarse / medium).isGreaterThan(12);
    // 16 in exact arithmetic; floats leave about 2e-6 of their own.
    assertThat(medium / fine).isGreaterThan(8);
  }

  @Test
  void targetsInTheStagesOwnTime_reachTheSameLaw() {
    var config =
        StageConfig.pyramid(3, FrameResampling.sharedFirstFrame())
            .withTargetScale(StageConfig.TargetScale.STAGE);
    assertThat(error(StagePlan.of(config, flow(), StagePlanTest.grid(17)))).isLessThan(1e-4);
  }

  /** Clean keyframes, then what lies between them: no law is lost there either. */
  @ParameterizedTest
  @MethodSource("everySchedule")
  void cascade_reachesTheDataLaw(NoiseSchedule schedule) {
    var config =
        StageConfig.pyramid(3, FrameResampling.sharedFirstFrame()).withEnds(StageConfig.Ends.CLEAN);
    StagePlan plan = StagePlan.of(config, schedule, StagePlanTest.grid(17));
    assertThat(plan.stages()).allMatch(stage -> stage.end() == 0);
    assertThat(error(plan)).isLessThan(1e-4);
  }

  @Test
  void heun_reachesTheDataLawOnStableDiffusionsTable() {
    var schedule = new ContinuousDdim(VariancePreserving.linear(0.00085, 0.012, 1000));
    var oracle = oracle(schedule, FrameResampling.groupedFirstFrame(), List.of(2, 2));
    assertThat(oracle.covarianceError(new HeunSampler(), 160)).isLessThan(1e-4);
  }

  static Stream<PredictionType> everyPredictionType() {
    return Stream.of(PredictionType.values());
  }

  /** The oracle's networks are trained on the targets of their type. */
  @ParameterizedTest
  @MethodSource("everyPredictionType")
  void heun_reachesTheDataLawWhateverTheNetworkPredicts(PredictionType type) {
    var table = new ContinuousDdim().form().predicting(type);
    var oracle =
        oracle(new ContinuousDdim(table), FrameResampling.sharedFirstFrame(), List.of(2, 2));
    assertThat(oracle.covarianceError(new HeunSampler(), 160)).isLessThan(1e-4);
  }

  @ParameterizedTest
  @MethodSource("everyPredictionType")
  void stagedSamplingWithExactNetworks_isThatWithExactEpsilon(PredictionType type) {
    Latents expected = sampled(PredictionType.EPSILON);
    Latents actual = sampled(type);
    for (int i = 0; i < expected.data().length; i++) {
      assertThat((double) actual.data()[i]).isCloseTo(expected.data()[i], within(2e-5));
    }
  }

  private static Latents sampled(PredictionType type) {
    var table = VariancePreserving.linear(0.00085, 0.012, 1000).predicting(type);
    var schedule = new DdimSchedule(table, DdimSchedule.Spacing.CHAINED_TRAILING, 0, 0);
    StagePlan plan = plan(schedule, FrameResampling.groupedFirstFrame(), List.of(2, 2));
    var shape = new LatentShape(5, 1, 16, 1, 1);
    return StagedSampler.split(plan, new DpmSolverSampler(), List.of(4, 3, 5))
        .sample(
            shape,
            GaussianOracle.ofClips(plan, RHO)::predict,
            NoiseSource.seeded(6),
            StageListener.silent());
  }

  static Stream<Arguments> stochasticSamplers() {
    var table = new ContinuousDdim().form().predicting(PredictionType.V_PREDICTION);
    var all = new ArrayList<Arguments>();
    for (NoiseSchedule schedule : List.of(flow(), new ContinuousDdim(table))) {
      for (FrameResampling resampling :
          List.of(
              FrameResampling.sharedFirstFrame(),
              new FrameResampling(Downsampling.MEAN, Upsampling.LINEAR, FirstFrame.GROUPED))) {
        all.add(Arguments.of(new AncestralSampler(1), schedule, resampling, 3.5));
        all.add(Arguments.of(new AncestralSampler(0.4), schedule, resampling, 3.5));
        all.add(Arguments.of(new DpmSolverSdeSampler(), schedule, resampling, 8));
      }
    }
    return all.stream();
  }

  /** Four times the steps leave a quarter of the error at first order, a sixteenth at second. */
  @ParameterizedTest
  @MethodSource("stochasticSamplers")
  void stochasticSamplers_reachTheDataLawAtTheirOrder(
      Sampler sampler, NoiseSchedule schedule, FrameResampling resampling, double gain) {
    var oracle = oracle(schedule, resampling, List.of(2, 2));
    double few = oracle.covarianceError(sampler, 20);
    double many = oracle.covarianceError(sampler, 80);
    assertThat(few / many).isGreaterThan(gain);
    assertThat(many).isLessThan(5e-2);
  }

  @Test
  void publishedDdimRows_reachTheDataLawAsTheStepsGrow() {
    var form = VariancePreserving.linear(0.00085, 0.012, 1000);
    var schedule = new DdimSchedule(form, DdimSchedule.Spacing.CHAINED_LINSPACE, 0, 0);
    var oracle = oracle(schedule, FrameResampling.groupedFirstFrame(), List.of(2, 2));
    double few = oracle.covarianceError(new EulerSampler(), 10);
    double many = oracle.covarianceError(new EulerSampler(), 160);
    assertThat(many).isLessThan(few / 8).isLessThan(2e-2);
  }

  static Stream<Arguments> multistepSamplers() {
    return Stream.of(new DpmSolverSampler(), new UniPcSampler())
        .flatMap(
            sampler ->
                Stream.of(flow(), new ContinuousDdim()).map(form -> Arguments.of(sampler, form)));
  }

  @ParameterizedTest
  @MethodSource("multistepSamplers")
  void multistepSamplers_reachTheDataLawAtSecondOrder(Sampler sampler, NoiseSchedule schedule) {
    var oracle = oracle(schedule, FrameResampling.sharedFirstFrame(), List.of(2, 2));
    double medium = oracle.covarianceError(sampler, 40);
    double fine = oracle.covarianceError(sampler, 160);
    assertThat(fine).isLessThan(5e-4);
    assertThat(medium / fine).isGreaterThan(8);
  }

  @ParameterizedTest
  @MethodSource("everySchedule")
  void linkageWithoutNoise_missesTheDataLaw(NoiseSchedule schedule) {
    StagePlan plan = plan(schedule, FrameResampling.sharedFirstFrame(), List.of(2, 2));
    var silent = new ArrayList<Linkage>();
    for (Linkage right : plan.linkages()) {
      silent.add(new Linkage(right.scale(), right.up(), new LinkageNoise(0, 0, right.up())));
    }
    assertThat(error(new StagePlan(plan, silent))).isGreaterThan(1000 * error(plan));
  }

  @ParameterizedTest
  @MethodSource("everySchedule")
  void linkageWithThePrintedScale_missesTheDataLaw(NoiseSchedule schedule) {
    StagePlan plan = plan(schedule, FrameResampling.sharedFirstFrame(), List.of(2, 2));
    var printed = new ArrayList<Linkage>();
    for (int i = 0; i < plan.linkages().size(); i++) {
      Linkage right = plan.linkages().get(i);
      double start = plan.stages().get(i + 1).start();
      double gamma = Math.sqrt(2) * schedule.form().gamma(start);
      double scale = gamma / (schedule.form().sigma(start) + gamma);
      printed.add(new Linkage(scale, right.up(), right.noise()));
    }
    assertThat(error(new StagePlan(plan, printed))).isGreaterThan(1000 * error(plan));
  }

  static Stream<NoiseSchedule> everySchedule() {
    return Stream.of(flow(), new ContinuousDdim());
  }

  private static double error(StagePlan plan) {
    return GaussianOracle.ofClips(plan, RHO).covarianceError(new HeunSampler(), 160);
  }

  static FlowSchedule flow() {
    return new FlowSchedule(FlowSchedule.Spacing.FLOW_MATCH_EULER, 1);
  }

  static GaussianOracle oracle(
      NoiseSchedule schedule, FrameResampling resampling, List<Integer> rates) {
    return GaussianOracle.ofClips(plan(schedule, resampling, rates), RHO);
  }

  static StagePlan plan(NoiseSchedule schedule, FrameResampling resampling, List<Integer> rates) {
    var config = StageConfig.of(rates.stream().map(GridFactor::ofTime).toList(), resampling);
    int frames = resampling.firstFrame() == FirstFrame.SHARED ? 17 : 16;
    return StagePlan.of(config, schedule, StagePlanTest.grid(frames));
  }

  /** A table asked between its rows as well, in equal parts of asinh 2τ. */
  record ContinuousDdim(VariancePreserving form) implements NoiseSchedule {
    /** Noise up to τ = 4.3, so that 160 steps resolve the whole range even in a single stage. */
    ContinuousDdim() {
      this(VariancePreserving.linear(0.00085, 0.005, 1000));
    }

    @Override
    public double time(double fraction) {
      return fraction;
    }

    @Override
    public double fraction(double time) {
      return time;
    }

    @Override
    public double timestep(double time) {
      return form.timestep(time);
    }

    @Override
    public List<SamplerStep> steps(int count, double start, double end) {
      var steps = new ArrayList<SamplerStep>();
      for (int i = 0; i < count; i++) {
        double from = i == 0 ? start : between(start, end, i / (double) count);
        double to = i + 1 == count ? end : between(start, end, (i + 1) / (double) count);
        steps.add(new SamplerStep(from, to, timestep(from)));
      }
      return steps;
    }

    private double between(double start, double end, double part) {
      double from = asinh(2 * form.tau(start));
      double to = asinh(2 * form.tau(end));
      return form.timeAt(Math.sinh(from + part * (to - from)) / 2);
    }

    private static double asinh(double x) {
      return Math.log(x + Math.sqrt(x * x + 1));
    }
  }
}
