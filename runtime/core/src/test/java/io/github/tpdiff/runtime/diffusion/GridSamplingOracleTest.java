package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.FirstFrame;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.diffusion.StagedSamplingOracleTest.ContinuousDdim;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The staged process over time, rows and columns returns the law of the data at the end of every
 * stage, up to the solver's error.
 */
class GridSamplingOracleTest {
  private static final double RHO = 0.9;
  private static final FrameResampling SHARED = FrameResampling.sharedFirstFrame();
  private static final FrameResampling LINES =
      new FrameResampling(Downsampling.MEAN, Upsampling.LINEAR, FirstFrame.GROUPED);

  /** A grid without a shared first frame, of no fewer places than tell linear from nearest. */
  private record Pyramid(LatentGrid grid, List<GridFactor> rates) {
    StagePlan plan(NoiseSchedule schedule, FrameResampling frames, SpaceResampling space) {
      return plan(schedule, StageConfig.of(rates, frames).withSpace(space));
    }

    StagePlan plan(NoiseSchedule schedule, StageConfig config) {
      int alone = config.resampling().firstFrame() == FirstFrame.SHARED ? 1 : 0;
      return StagePlan.of(config, schedule, grid.with(GridAxis.TIME, grid.frames() + alone));
    }

    @Override
    public String toString() {
      return grid + " " + rates;
    }
  }

  private static final Pyramid OF_ROWS = pyramid(grid(2, 4, 2), rates(1, 2, 1));
  private static final Pyramid OF_CUBES = pyramid(grid(2, 4, 2), rates(2, 2, 2));
  private static final Pyramid OF_UNLIKE_STAGES =
      pyramid(grid(2, 2, 4), rates(1, 2, 2), rates(2, 1, 1));
  private static final Pyramid OF_UNLIKE_AXES =
      pyramid(grid(2, 2, 6), rates(2, 1, 3), rates(1, 2, 1));
  private static final List<Pyramid> PYRAMIDS =
      List.of(
          OF_ROWS,
          pyramid(grid(1, 2, 8), rates(1, 1, 2), rates(1, 1, 2)),
          pyramid(grid(1, 1, 8), rates(1, 1, 4)),
          pyramid(grid(1, 4, 4), rates(1, 2, 2), rates(1, 2, 2)),
          OF_CUBES,
          OF_UNLIKE_STAGES,
          OF_UNLIKE_AXES);

  private static Pyramid pyramid(LatentGrid grid, GridFactor... rates) {
    return new Pyramid(grid, List.of(rates));
  }

  private static LatentGrid grid(int frames, int height, int width) {
    return new LatentGrid(frames, height, width);
  }

  private static GridFactor rates(int time, int height, int width) {
    return new GridFactor(time, height, width);
  }

  private static SpaceResampling space(Downsampling down, Upsampling up) {
    return new SpaceResampling(down, up);
  }

  private static List<NoiseSchedule> schedules() {
    return List.of(StagedSamplingOracleTest.flow(), new ContinuousDdim());
  }

  static Stream<Arguments> everyPyramid() {
    var all = new ArrayList<Arguments>();
    for (NoiseSchedule schedule : schedules()) {
      for (Pyramid pyramid : PYRAMIDS) {
        for (var down : Downsampling.values()) {
          for (var up : Upsampling.values()) {
            FrameResampling frames = up == Upsampling.NEAREST ? SHARED : LINES;
            all.add(Arguments.of(pyramid, schedule, frames, space(down, up)));
          }
        }
      }
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("everyPyramid")
  void heun_reachesTheDataLawAsTheSquareOfTheStep(
      Pyramid pyramid, NoiseSchedule schedule, FrameResampling frames, SpaceResampling space) {
    assertSecondOrder(GaussianOracle.ofClips(pyramid.plan(schedule, frames, space), RHO));
  }

  private static void assertSecondOrder(GaussianOracle oracle) {
    double coarse = oracle.covarianceError(new HeunSampler(), 10);
    double medium = oracle.covarianceError(new HeunSampler(), 40);
    double fine = oracle.covarianceError(new HeunSampler(), 160);
    assertThat(fine).isLessThan(1e-4);
    assertThat(coarse / medium).isGreaterThan(12);
    // 16 in exact arithmetic; floats leave about 2e-6 of their own.
    assertThat(medium / fine).isGreaterThan(8);
  }

  static Stream<NoiseSchedule> everySchedule() {
    return schedules().stream();
  }

  /** PyramidalWan's: an eighth of the places, twice. */
  @ParameterizedTest
  @MethodSource("everySchedule")
  void heun_reachesTheDataLawThroughTwoCubes(NoiseSchedule schedule) {
    StagePlan plan =
        pyramid(grid(4, 4, 4), rates(2, 2, 2), rates(2, 2, 2))
            .plan(schedule, SHARED, SpaceResampling.blocks());
    assertThat(plan.stages())
        .extracting(stage -> stage.grid().size())
        .containsExactly(grid(2, 1, 1), grid(3, 2, 2), grid(5, 4, 4));
    assertThat(error(plan)).isLessThan(1e-4);
  }

  static Stream<Arguments> coupledLaws() {
    var all = new ArrayList<Arguments>();
    for (NoiseSchedule schedule : schedules()) {
      for (Pyramid pyramid :
          List.of(
              pyramid(grid(8, 1, 1), GridFactor.ofTime(2), GridFactor.ofTime(2)),
              OF_ROWS,
              OF_CUBES,
              OF_UNLIKE_STAGES,
              OF_UNLIKE_AXES)) {
        all.add(Arguments.of(pyramid, schedule, SHARED, SpaceResampling.blocks()));
        all.add(
            Arguments.of(pyramid, schedule, LINES, space(Downsampling.STRIDE, Upsampling.LINEAR)));
      }
    }
    return all.stream();
  }

  /** Latents of smaller clips: x^(k) is not D_k·x_0, nor known from it. */
  @ParameterizedTest
  @MethodSource("coupledLaws")
  void heun_reachesTheLawOfCleanLatentsThatAreTiedByTheClipAlone(
      Pyramid pyramid, NoiseSchedule schedule, FrameResampling frames, SpaceResampling space) {
    var config = StageConfig.of(pyramid.rates(), frames).withSpace(space);
    StagePlan plan = pyramid.plan(schedule, config.withTargets(Targets.PIXEL));
    assertSecondOrder(GaussianOracle.ofCoupled(plan, RHO, 11));
  }

  @Test
  void targetsInTheStagesOwnTime_reachTheSameLaw() {
    var config =
        StageConfig.of(OF_UNLIKE_STAGES.rates(), SHARED).withTargetScale(TargetScale.STAGE);
    assertThat(error(OF_UNLIKE_STAGES.plan(StagedSamplingOracleTest.flow(), config)))
        .isLessThan(1e-4);
  }

  static Stream<Arguments> multistepSamplers() {
    return Stream.of(new DpmSolverSampler(), new UniPcSampler())
        .flatMap(sampler -> everySchedule().map(schedule -> Arguments.of(sampler, schedule)));
  }

  @ParameterizedTest
  @MethodSource("multistepSamplers")
  void multistepSamplers_reachTheDataLawAtSecondOrder(Sampler sampler, NoiseSchedule schedule) {
    var oracle =
        GaussianOracle.ofClips(
            OF_UNLIKE_STAGES.plan(schedule, SHARED, SpaceResampling.blocks()), RHO);
    double medium = oracle.covarianceError(sampler, 40);
    double fine = oracle.covarianceError(sampler, 160);
    assertThat(fine).isLessThan(5e-4);
    assertThat(medium / fine).isGreaterThan(8);
  }

  @Test
  void publishedDdimRows_reachTheDataLawAsTheStepsGrow() {
    var form = VariancePreserving.linear(0.00085, 0.012, 1000);
    var schedule = new DdimSchedule(form, DdimSchedule.Spacing.CHAINED_LINSPACE, 0, 0);
    var oracle =
        GaussianOracle.ofClips(
            OF_UNLIKE_STAGES.plan(schedule, LINES, SpaceResampling.blocks()), RHO);
    double few = oracle.covarianceError(new EulerSampler(), 10);
    double many = oracle.covarianceError(new EulerSampler(), 160);
    assertThat(many).isLessThan(few / 8).isLessThan(2e-2);
  }

  static Stream<Arguments> stochasticSamplers() {
    var all = new ArrayList<Arguments>();
    for (NoiseSchedule schedule : schedules()) {
      for (SpaceResampling space :
          List.of(
              SpaceResampling.blocks(),
              space(Downsampling.STRIDE, Upsampling.NEAREST),
              space(Downsampling.STRIDE, Upsampling.LINEAR))) {
        double eta = space.equals(SpaceResampling.blocks()) ? 0.4 : 1;
        for (Pyramid pyramid :
            List.of(
                pyramid(grid(2, 4, 1), rates(2, 2, 1)),
                pyramid(grid(4, 1, 4), rates(1, 1, 2), rates(2, 1, 1)))) {
          all.add(Arguments.of(new AncestralSampler(eta), pyramid, schedule, space));
          all.add(Arguments.of(new DpmSolverSdeSampler(), pyramid, schedule, space));
        }
      }
    }
    return all.stream();
  }

  /**
   * Four times the steps leave a quarter of the error at first order; at second order a sixteenth
   * of it in the end, and less than a sixth after so few.
   */
  @ParameterizedTest
  @MethodSource("stochasticSamplers")
  void stochasticSamplers_reachTheDataLawAtTheirOrder(
      Sampler sampler, Pyramid pyramid, NoiseSchedule schedule, SpaceResampling space) {
    var oracle = GaussianOracle.ofClips(pyramid.plan(schedule, LINES, space), RHO);
    double few = oracle.covarianceError(sampler, 20);
    double many = oracle.covarianceError(sampler, 80);
    assertThat(few / many).isGreaterThan(sampler instanceof DpmSolverSdeSampler ? 6 : 3.5);
    assertThat(many).isLessThan(5e-2);
  }

  @Test
  void stochasticSamplers_areRefusedWhereTheCoarserLatentsAreNotKnown() {
    var config = StageConfig.of(OF_ROWS.rates(), SHARED);
    var flow = StagedSamplingOracleTest.flow();
    for (StageConfig unknown :
        List.of(
            config.withTargets(Targets.PIXEL),
            config.withSpace(space(Downsampling.MEAN, Upsampling.LINEAR)))) {
      StagePlan plan = OF_ROWS.plan(flow, unknown);
      for (Sampler sampler : List.of(new AncestralSampler(0.4), new DpmSolverSdeSampler())) {
        assertThatThrownBy(() -> StagedSampler.split(plan, sampler, List.of(1, 1)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith(
                "sampler: one that renews noise must know the coarser latents from the finer");
      }
      assertThat(StagedSampler.split(plan, new AncestralSampler(0), List.of(1, 1)).plan())
          .isSameAs(plan);
    }
    assertThat(StageConfig.vanilla().withTargets(Targets.PIXEL).coarserIsKnown()).isTrue();
    assertThat(
            StageConfig.pyramid(2, LINES)
                .withSpace(space(Downsampling.MEAN, Upsampling.LINEAR))
                .coarserIsKnown())
        .isTrue();
  }

  static Stream<Arguments> everyUpsampledAxis() {
    return everySchedule()
        .flatMap(
            schedule ->
                Stream.of(OF_CUBES, OF_UNLIKE_AXES)
                    .flatMap(
                        pyramid ->
                            Stream.of(GridAxis.values())
                                .map(axis -> Arguments.of(pyramid, axis, schedule))));
  }

  /** Noise drawn as if one axis were not upsampled. */
  @ParameterizedTest
  @MethodSource("everyUpsampledAxis")
  void linkageNoiseWithoutAnAxis_missesTheDataLaw(
      Pyramid pyramid, GridAxis axis, NoiseSchedule schedule) {
    assertMissed(
        pyramid.plan(schedule, SHARED, SpaceResampling.blocks()),
        right -> {
          var others = new EnumMap<GridAxis, AxisMatrix>(GridAxis.class);
          others.putAll(right.up().factors());
          others.remove(axis);
          LinkageNoise noise = right.noise();
          return new LinkageNoise(noise.variance(), noise.kept(), new GridMatrix(others));
        });
  }

  @ParameterizedTest
  @MethodSource("everyUpsampledAxis")
  void linkageNoiseScaledWithoutAnAxis_missesTheDataLaw(
      Pyramid pyramid, GridAxis axis, NoiseSchedule schedule) {
    assertMissed(
        pyramid.plan(schedule, SHARED, SpaceResampling.blocks()),
        right -> {
          LinkageNoise noise = right.noise();
          double own = right.up().along(axis).map(up -> GramBasis.of(up).largest()).orElse(1.0);
          return new LinkageNoise(noise.variance(), noise.kept() / own, right.up());
        });
  }

  @ParameterizedTest
  @MethodSource("everySchedule")
  void linkageWithoutNoise_missesTheDataLaw(NoiseSchedule schedule) {
    assertMissed(
        OF_UNLIKE_STAGES.plan(schedule, SHARED, SpaceResampling.blocks()),
        right -> new LinkageNoise(0, 0, right.up()));
  }

  private interface Wrong {
    LinkageNoise noise(Linkage right);
  }

  private static void assertMissed(StagePlan plan, Wrong wrong) {
    var linkages = new ArrayList<Linkage>();
    for (Linkage right : plan.linkages()) {
      linkages.add(new Linkage(right.scale(), right.up(), wrong.noise(right)));
    }
    assertThat(error(new StagePlan(plan, linkages))).isGreaterThan(1000 * error(plan));
  }

  private static double error(StagePlan plan) {
    return GaussianOracle.ofClips(plan, RHO).covarianceError(new HeunSampler(), 160);
  }
}
