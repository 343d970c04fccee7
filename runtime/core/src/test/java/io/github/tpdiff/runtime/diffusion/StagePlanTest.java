package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.FirstFrame;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StagePlanTest {
  private static final NoiseSchedule FLOW = new FlowSchedule(FlowSchedule.Spacing.UNI_PC, 3);
  private static final VariancePreserving TABLE = VariancePreserving.linear(0.00085, 0.012, 1000);
  private static final NoiseSchedule DDIM =
      new DdimSchedule(TABLE, DdimSchedule.Spacing.LEADING, 1, 0);
  private static final FrameResampling SHARED = FrameResampling.sharedFirstFrame();
  private static final FrameResampling GROUPED = FrameResampling.groupedFirstFrame();

  @Test
  void frames_halveWithASharedFirstFrameAsInWan() {
    StagePlan plan = StagePlan.of(StageConfig.pyramid(3, SHARED), FLOW, grid(21));
    assertThat(plan.stages()).extracting(Stage::frames).containsExactly(6, 11, 21);
    assertThat(plan.stage(3).grid().positions(GridAxis.TIME)).containsExactly(0, 4, 8, 12, 16, 20);
    assertThat(plan.stage(2).grid().positions(GridAxis.TIME)).startsWith(0, 2, 4).endsWith(20);
  }

  @Test
  void frames_halveWithoutASharedFrameAsInAnimateDiff() {
    StagePlan plan = StagePlan.of(StageConfig.pyramid(3, GROUPED), DDIM, grid(16));
    assertThat(plan.stages()).extracting(Stage::frames).containsExactly(4, 8, 16);
    assertThat(plan.stage(3).grid().positions(GridAxis.TIME)).containsExactly(0, 4, 8, 12);
  }

  /** A picture is a shared first frame alone: D keeps it and U repeats nothing. */
  @Test
  void stagesOfAPicture_areVanillaTrainingInParts() {
    var over = new LatentGrid(1, 4, 4);
    var noise = NoiseSource.seeded(1).draw(new LatentShape(1, 2, 1, 4, 4));
    var picture = NoiseSource.seeded(2).draw(noise.shape());
    for (NoiseSchedule schedule : List.of(FLOW, DDIM)) {
      StagePlan plan = StagePlan.of(StageConfig.pyramid(3, SHARED), schedule, over);
      StagePlan vanilla = StagePlan.of(StageConfig.vanilla(), schedule, over);
      assertThat(plan.stages()).extracting(Stage::frames).containsExactly(1, 1, 1);
      assertThat(plan.stage(3).start()).isEqualTo(1);
      assertThat(plan.stage(3).end()).isCloseTo(plan.stage(2).start(), within(2e-3));
      assertThat(plan.stage(2).end()).isCloseTo(plan.stage(1).start(), within(2e-3));
      assertThat(plan.stage(1).end()).isZero();
      for (Stage stage : plan.stages()) {
        double time = schedule.form().floorTime((stage.start() + stage.end()) / 2);
        TrainingExample own = plan.example(stage, time, picture, noise);
        TrainingExample whole = vanilla.example(vanilla.stage(1), time, picture, noise);
        assertThat(own.timestep()).isEqualTo(whole.timestep());
        for (int i = 0; i < picture.data().length; i++) {
          assertThat(own.input().data()[i]).isCloseTo(whole.input().data()[i], within(1e-5f));
          assertThat(own.target().data()[i]).isCloseTo(whole.target().data()[i], within(1e-4f));
        }
      }
    }
    assertThatThrownBy(() -> StagePlan.of(StageConfig.pyramid(3, GROUPED), DDIM, over))
        .hasMessageContaining("latent frames: 1 do not divide");
  }

  @Test
  void rates_areInSamplingOrder() {
    var config = StageConfig.pyramid(3, SHARED).withRates(GridFactor.ofTimes(4, 2));
    StagePlan plan = StagePlan.of(config, FLOW, grid(17));
    assertThat(plan.stages())
        .extracting(Stage::strides)
        .containsExactly(GridFactor.ofTime(8), GridFactor.ofTime(2), GridFactor.ONE);
    assertThat(plan.stages()).extracting(Stage::frames).containsExactly(3, 9, 17);
  }

  @Test
  void aLengthThatDoesNotFit_namesTheNearestThatDo() {
    assertThatThrownBy(() -> StagePlan.of(StageConfig.pyramid(3, SHARED), FLOW, grid(20)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("20")
        .hasMessageContaining("17 and 21");
    assertThatThrownBy(() -> StagePlan.of(StageConfig.pyramid(3, GROUPED), FLOW, grid(18)))
        .hasMessageContaining("16 and 20");
    assertThatThrownBy(() -> StagePlan.of(StageConfig.pyramid(3, SHARED), FLOW, grid(3)))
        .hasMessageContaining("the fewest that do are 5");
  }

  @Test
  void grids_areDividedAlongEachAxisByItsOwnRates() {
    var config = StageConfig.of(List.of(GridFactor.cube(2), new GridFactor(1, 2, 4)), SHARED);
    StagePlan plan = StagePlan.of(config, FLOW, new LatentGrid(21, 60, 104));
    assertThat(plan.stages())
        .extracting(stage -> stage.grid().size())
        .containsExactly(
            new LatentGrid(11, 15, 13), new LatentGrid(21, 30, 26), new LatentGrid(21, 60, 104));
    assertThat(plan.stages())
        .extracting(Stage::strides)
        .containsExactly(new GridFactor(2, 4, 8), new GridFactor(1, 2, 4), GridFactor.ONE);
    assertThat(plan.coarser(plan.stage(2))).contains(plan.stage(3));
    assertThat(plan.coarser(plan.stage(3))).isEmpty();
  }

  @Test
  void extentsThatDoNotFit_areRefusedByAxisWithTheNearestThatDo() {
    var config = StageConfig.of(List.of(GridFactor.cube(2), new GridFactor(1, 2, 2)), SHARED);
    assertRefused(
        config,
        new LatentGrid(20, 60, 104),
        "latent frames: 20 do not divide into 3 stages with rates [[2, 2, 2], [1, 2, 2]]; the"
            + " nearest that do are 19 and 21");
    assertRefused(
        config,
        new LatentGrid(21, 62, 104),
        "latent rows: 62 do not divide into 3 stages with rates [[2, 2, 2], [1, 2, 2]]; the"
            + " nearest that do are 60 and 64");
    assertRefused(
        config,
        new LatentGrid(21, 60, 3),
        "latent columns: 3 do not divide into 3 stages with rates [[2, 2, 2], [1, 2, 2]]; the"
            + " fewest that do are 4");
    // An axis that is never coarser takes any extent.
    assertThat(
            StagePlan.of(
                    StageConfig.of(List.of(new GridFactor(1, 1, 2)), SHARED),
                    FLOW,
                    new LatentGrid(1, 7, 2))
                .stages())
        .hasSize(2);
    assertThatThrownBy(() -> new LatentGrid(1, 0, 2))
        .hasMessage("grid: every axis must be positive, found [1, 0, 2]");
  }

  private static void assertRefused(StageConfig config, LatentGrid grid, String message) {
    assertThatThrownBy(() -> StagePlan.of(config, FLOW, grid))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
    assertThat(
            Arrays.stream(GridAxis.values()).allMatch(axis -> config.fits(axis, grid.along(axis))))
        .isFalse();
  }

  @Test
  void positions_areWhereAPlaceLiesInTheFullGridOrItsNumber() {
    var rules = new PositionRules(PositionRule.SCALED, PositionRule.NATIVE, PositionRule.SCALED);
    var config =
        StageConfig.of(List.of(GridFactor.cube(2), new GridFactor(2, 2, 1)), SHARED)
            .withPositions(rules);
    StageGrid coarsest = StagePlan.of(config, FLOW, new LatentGrid(9, 8, 6)).stages().get(0).grid();
    assertThat(coarsest.positions(GridAxis.TIME)).containsExactly(0, 4, 8);
    assertThat(coarsest.positions(GridAxis.HEIGHT)).containsExactly(0, 1);
    assertThat(coarsest.positions(GridAxis.WIDTH)).containsExactly(0, 2, 4);
    StageGrid told =
        StagePlan.of(
                config.withPositions(PositionRules.all(PositionRule.NATIVE)),
                FLOW,
                new LatentGrid(9, 8, 6))
            .stages()
            .get(0)
            .grid();
    assertThat(told.positions(GridAxis.TIME)).containsExactly(0, 1, 2);
    // Conditions of the full rate are still picked by where the frames lie.
    assertThat(told.frames()).containsExactly(0, 4, 8);
    assertThat(StageGrid.full(new LatentGrid(2, 1, 3)).positions(GridAxis.WIDTH))
        .containsExactly(0, 1, 2);
  }

  @Test
  void defaultBoundaries_areEqualPartsOfTheShiftedSchedule() {
    StagePlan plan = StagePlan.of(StageConfig.pyramid(3, SHARED), FLOW, grid(21));
    // 3u / (1 + 2u) at u = 2/3 and 1/3
    assertThat(plan.stage(2).start()).isCloseTo(6.0 / 7, within(1e-12));
    assertThat(plan.stage(1).start()).isCloseTo(0.6, within(1e-12));
    assertThat(plan.stage(1).end()).isZero();
  }

  @Test
  void stageEnds_followFromLinkage() {
    var config = StageConfig.pyramid(3, GROUPED).withBoundaries(List.of(2.0 / 3, 1.0 / 3));
    StagePlan plan = StagePlan.of(config, FLOW, grid(16));
    // σ/γ at the end is σ/(√2·γ) at the next start: 2/√2 and 0.5/√2.
    double first = 2 / Math.sqrt(2);
    double second = 0.5 / Math.sqrt(2);
    assertThat(plan.stage(3).end()).isCloseTo(first / (1 + first), within(1e-12));
    assertThat(plan.stage(2).end()).isCloseTo(second / (1 + second), within(1e-12));
  }

  /** Of a clean clip everything is signal: all of a start's noise is new, and white. */
  @Test
  void stageThatEndsClean_isEnteredWithWhiteNoiseAlone() {
    var config =
        StageConfig.pyramid(2, FrameResampling.sharedFirstFrame())
            .withBoundaries(List.of(0.6))
            .withEnds(StageConfig.Ends.CLEAN);
    StagePlan plan = StagePlan.of(config, FLOW, grid(5));
    assertThat(plan.stage(2).end()).isZero();
    Linkage linkage = plan.linkages().get(0);
    assertThat(linkage.scale()).isCloseTo(0.4, within(1e-12));
    List<List<Double>> covariance = linkage.noise().overTime(5).orElseThrow().covariance();
    for (int i = 0; i < 5; i++) {
      for (int j = 0; j < 5; j++) {
        assertThat(covariance.get(i).get(j)).isCloseTo(i == j ? 0.36 : 0, within(1e-12));
      }
    }
  }

  /** λ = λ_t λ_h λ_w: 8 for blocks of two along each axis, 6 for two frames of three columns. */
  @Test
  void stageEnds_followFromTheEigenvaluesOfAllAxes() {
    var config =
        StageConfig.of(List.of(GridFactor.cube(2), new GridFactor(2, 1, 3)), GROUPED)
            .withBoundaries(List.of(2.0 / 3, 1.0 / 3));
    StagePlan plan = StagePlan.of(config, FLOW, new LatentGrid(4, 2, 6));
    double first = 2 / Math.sqrt(8);
    double second = 0.5 / Math.sqrt(6);
    assertThat(plan.stage(3).end()).isCloseTo(first / (1 + first), within(1e-12));
    assertThat(plan.stage(2).end()).isCloseTo(second / (1 + second), within(1e-12));
  }

  @Test
  void linkageNoise_isThePapersBlocksForNearestUpsamplingByTwo() {
    var config = StageConfig.pyramid(2, SHARED).withBoundaries(List.of(0.6));
    Linkage linkage = StagePlan.of(config, FLOW, grid(5)).linkages().get(0);
    List<List<Double>> covariance = linkage.noise().overTime(5).orElseThrow().covariance();
    double half = 0.6 * 0.6 / 2;
    double[][] expected = {
      {half, 0, 0, 0, 0},
      {0, half, -half, 0, 0},
      {0, -half, half, 0, 0},
      {0, 0, 0, half, -half},
      {0, 0, 0, -half, half}
    };
    for (int i = 0; i < 5; i++) {
      for (int j = 0; j < 5; j++) {
        assertThat(covariance.get(i).get(j)).isCloseTo(expected[i][j], within(1e-12));
      }
    }
  }

  @Test
  void ddimStageEnd_isTheNoisiestRowThatKeepsTheLinkageNoisePossible() {
    StagePlan plan = StagePlan.of(StageConfig.pyramid(3, GROUPED), DDIM, grid(16));
    for (int k = 3; k >= 2; k--) {
      double start = plan.stage(k - 1).start();
      double limit = TABLE.tau(start) / Math.sqrt(2);
      double row = TABLE.timestep(plan.stage(k).end());
      assertThat(row).isCloseTo(Math.rint(row), within(1e-9));
      assertThat(TABLE.tau(TABLE.time(Math.rint(row)))).isLessThanOrEqualTo(limit);
      assertThat(TABLE.tau(TABLE.time(Math.rint(row) + 1))).isGreaterThan(limit);
    }
  }

  @Test
  void oneStage_trainsTheVanillaTargets() {
    Latents x0 = noise(new LatentShape(1, 2, 5, 2, 3), 1);
    Latents noise = noise(x0.shape(), 2);
    StagePlan flow = StagePlan.of(StageConfig.vanilla(), FLOW, x0.shape().grid());
    TrainingExample velocity = flow.example(flow.stage(1), 0.3, x0, noise);
    assertClose(velocity.input(), x0.mix(0.7, 0.3, noise));
    assertClose(velocity.target(), noise.plus(-1, x0));
    assertThat(velocity.timestep()).isEqualTo(300);
    StagePlan ddim = StagePlan.of(StageConfig.vanilla(), DDIM, x0.shape().grid());
    double t = TABLE.time(400);
    TrainingExample epsilon = ddim.example(ddim.stage(1), t, x0, noise);
    double alpha = TABLE.alphaCumprod(t);
    assertClose(epsilon.input(), x0.mix(Math.sqrt(alpha), Math.sqrt(1 - alpha), noise));
    assertThat(epsilon.timestep()).isCloseTo(400, within(1e-9));
  }

  @Test
  void oneStage_trainsTheVanillaTargetOfWhatTheNetworkPredicts() {
    Latents x0 = noise(new LatentShape(1, 2, 4, 2, 3), 1);
    Latents noise = noise(x0.shape(), 2);
    double t = TABLE.time(400);
    double gamma = TABLE.gamma(t);
    double sigma = TABLE.sigma(t);
    Latents v = noise.mix(gamma, -sigma, x0);
    for (PredictionType type : PredictionType.values()) {
      var schedule = new DdimSchedule(TABLE.predicting(type), DdimSchedule.Spacing.LEADING, 1, 0);
      StagePlan plan = StagePlan.of(StageConfig.vanilla(), schedule, x0.shape().grid());
      Latents target = plan.example(plan.stage(1), t, x0, noise).target();
      assertClose(
          target,
          switch (type) {
            case EPSILON -> noise;
            case V_PREDICTION -> v;
            case SAMPLE -> x0;
          });
    }
  }

  @Test
  void flowStage_isTheLineBetweenItsEndsInThePapersScaleOrGlobalTime() {
    var config = StageConfig.pyramid(3, SHARED).withBoundaries(List.of(0.8, 0.5));
    StagePlan plan = StagePlan.of(config, FLOW, new LatentGrid(5, 1, 2));
    Stage stage = plan.stage(2);
    Latents x0 = noise(new LatentShape(1, 1, 5, 1, 2), 3);
    Latents noise = noise(new LatentShape(1, 1, 3, 1, 2), 4);
    // D_4 keeps frames 0, 4; U gives 0, 4, 4. D_2 keeps 0, 2, 4.
    Latents start = frames(x0, 0, 4, 4).mix(0.2, 0.8, noise);
    Latents end = frames(x0, 0, 2, 4).mix(1 - stage.end(), stage.end(), noise);
    double part = 0.25;
    double t = stage.end() + part * (0.8 - stage.end());
    TrainingExample example = plan.example(stage, t, x0, noise);
    assertClose(example.input(), start.mix(part, 1 - part, end));
    Latents paper = start.plus(-1, end);
    assertClose(example.target(), paper.times(1 / (0.8 - stage.end())));
    StagePlan scaled =
        StagePlan.of(
            config.withTargetScale(StageConfig.TargetScale.STAGE), FLOW, new LatentGrid(5, 1, 2));
    assertClose(scaled.example(stage, t, x0, noise).target(), paper);
  }

  @Test
  void ddimTarget_isThePapersEquation11() {
    StagePlan plan = StagePlan.of(StageConfig.pyramid(2, GROUPED), DDIM, new LatentGrid(4, 1, 2));
    Stage stage = plan.stage(1);
    Latents x0 = noise(new LatentShape(1, 1, 4, 1, 2), 5);
    Latents noise = noise(x0.shape(), 6);
    double gammaS = TABLE.gamma(stage.start());
    double sigmaS = TABLE.sigma(stage.start());
    Latents start = frames(x0, 0, 0, 2, 2).mix(gammaS, sigmaS, noise);
    double t = TABLE.time(100);
    TrainingExample example = plan.example(stage, t, x0, noise);
    // Eq. 11 with the clean end: ε_k = (x_s/γ_s − x_0) / (σ_s/γ_s); eq. 7: x_t = γ_t·x_0 + σ_t·ε_k.
    Latents target = start.mix(1 / gammaS, -1, x0).times(gammaS / sigmaS);
    assertClose(example.target(), target);
    assertClose(example.input(), x0.mix(TABLE.gamma(t), TABLE.sigma(t), target));
  }

  @Test
  void meanAndLinear_areWhatTheirNamesSay() {
    var mean = new FrameResampling(Downsampling.MEAN, Upsampling.LINEAR, FirstFrame.SHARED);
    Latents ramp = ramp(9);
    AxisMatrix down = mean.axis().down(9, 4);
    assertThat(down.apply(ramp, GridAxis.TIME).data()).containsExactly(0, 2.5f, 6.5f);
    // A ramp stays a ramp under linear upsampling, up to the constant ends.
    Latents back = mean.axis().up(3, 4).apply(down.apply(ramp, GridAxis.TIME), GridAxis.TIME);
    assertThat(back.data()).containsExactly(0, 1, 2, 3, 4, 5, 6, 6.5f, 6.5f);
    var stride = new FrameResampling(Downsampling.STRIDE, Upsampling.LINEAR, FirstFrame.GROUPED);
    Latents kept = stride.axis().down(8, 2).apply(ramp(8), GridAxis.TIME);
    assertThat(kept.data()).containsExactly(0, 2, 4, 6);
    assertThat(stride.axis().up(4, 2).apply(kept, GridAxis.TIME).data())
        .containsExactly(0, 1, 2, 3, 4, 5, 6, 6);
  }

  @Test
  void ratesOutOfRange_areRefusedInOneLine() {
    assertThatThrownBy(() -> new GridFactor(2, 0, 2))
        .hasMessage("stages.rates: at least 1 along each axis, found [2, 0, 2]");
    for (GridFactor wrong : List.of(GridFactor.ONE, new GridFactor(1, 65, 1))) {
      assertThatThrownBy(() -> StageConfig.of(List.of(GridFactor.cube(2), wrong), SHARED))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("stages.rates: each from 1 to 64 along an axis")
          .hasMessageEndingWith("found [[2, 2, 2], %s]".formatted(wrong));
    }
    assertThatThrownBy(
            () -> StageConfig.of(Collections.nCopies(3, new GridFactor(1, 1, 64)), SHARED))
        .hasMessageStartingWith("stages.rates: at most 65536 together along an axis");
    assertThat(
            StageConfig.of(List.of(new GridFactor(2, 3, 1), new GridFactor(4, 1, 5)), SHARED)
                .largestStrides())
        .isEqualTo(new GridFactor(8, 3, 5));
  }

  /** A stage over space of clean latents that nothing but the clip ties together. */
  @Test
  void example_isTheLineBetweenTheCleanLatentsThatItIsGiven() {
    var config =
        StageConfig.of(List.of(GridFactor.cube(2)), GROUPED)
            .withTargets(StageConfig.Targets.PIXEL)
            .withBoundaries(List.of(0.5));
    StagePlan plan = StagePlan.of(config, FLOW, new LatentGrid(2, 2, 4));
    Stage stage = plan.stage(1);
    Latents own = noise(new LatentShape(2, 3, 2, 2, 4), 1);
    Latents coarser = noise(new LatentShape(2, 3, 1, 1, 2), 2);
    Latents noise = noise(own.shape(), 3);
    Latents raised = Latents.zeros(own.shape());
    for (int i = 0; i < raised.data().length; i++) {
      raised.data()[i] = coarser.data()[i / 16 * 2 + i % 4 / 2];
    }
    // From 0.5 U x' + 0.5 ε down to x, of which 0.3 is three fifths of the way up.
    Latents start = raised.mix(0.5, 0.5, noise);
    var pair = new CleanPair(own, Optional.of(coarser));
    TrainingExample example = plan.example(stage, 0.3, pair, noise);
    assertClose(example.input(), own.mix(0.4, 0.6, start));
    assertClose(example.target(), start.plus(-1, own).times(2));
    assertThat(example.stage()).isEqualTo(stage);
    Latents wrong = noise(new LatentShape(2, 3, 2, 2, 2), 4);
    assertThatThrownBy(
            () -> plan.example(stage, 0.3, new CleanPair(wrong, Optional.of(coarser)), noise))
        .hasMessage("latents: stage 1 is of [2, 2, 4], found [2, 3, 2, 2, 2]");
    assertThatThrownBy(
            () -> plan.example(stage, 0.3, new CleanPair(own, Optional.of(wrong)), noise))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("latents: expected ");
  }

  @Test
  void exampleOfAClip_isThatOfItsLatentsOnBothGrids() {
    var config = StageConfig.of(List.of(GridFactor.cube(2), new GridFactor(1, 2, 2)), SHARED);
    StagePlan plan = StagePlan.of(config, FLOW, new LatentGrid(3, 4, 4));
    Stage stage = plan.stage(2);
    Latents x0 = noise(new LatentShape(1, 2, 3, 4, 4), 1);
    Latents noise = noise(new LatentShape(1, 2, 3, 2, 2), 2);
    double time = 0.5 * (stage.start() + stage.end());
    Latents own = means(x0, 2);
    Latents coarser = frames(means(x0, 4), 0, 2);
    assertClose(plan.clean(stage, x0), own);
    assertClose(plan.cleanPair(stage, x0).coarser().orElseThrow(), coarser);
    TrainingExample byHand =
        plan.example(stage, time, new CleanPair(own, Optional.of(coarser)), noise);
    TrainingExample made = plan.example(stage, time, x0, noise);
    assertClose(made.input(), byHand.input());
    assertClose(made.target(), byHand.target());
  }

  /** The means of squares of pixels. */
  private static Latents means(Latents x, int side) {
    LatentShape shape = x.shape();
    var grid = new LatentGrid(shape.frames(), shape.height() / side, shape.width() / side);
    Latents means = Latents.zeros(shape.withGrid(grid));
    for (int i = 0; i < x.data().length; i++) {
      int plane = i / shape.pixels();
      int row = i / shape.width() % shape.height() / side;
      int column = i % shape.width() / side;
      means.data()[(plane * grid.height() + row) * grid.width() + column] +=
          x.data()[i] / (side * side);
    }
    return means;
  }

  @Test
  void impossibleConfigurations_areRefusedInOneLine() {
    var config = StageConfig.pyramid(3, SHARED);
    assertThatThrownBy(() -> config.withBoundaries(List.of(0.5)))
        .hasMessageContaining("expected 2 values");
    assertThatThrownBy(() -> config.withBoundaries(List.of(0.3, 0.5)))
        .hasMessageContaining("must fall");
    assertThatThrownBy(() -> config.withRates(GridFactor.ofTimes(1, 2)))
        .hasMessageContaining("rates");
    assertThatThrownBy(() -> config.withStepSplit(List.of(1, 1)))
        .hasMessageContaining("step_split");
    assertThatThrownBy(
            () ->
                StagePlan.of(config.withTargetScale(StageConfig.TargetScale.STAGE), DDIM, grid(21)))
        .hasMessageContaining("target_scale");
    StagePlan plan = StagePlan.of(config, FLOW, grid(21));
    Latents x0 = ramp(21);
    assertThatThrownBy(() -> plan.example(plan.stage(1), 0.99, x0, x0))
        .hasMessageContaining("stage 1 runs from");
    assertThatThrownBy(() -> plan.stage(4)).hasMessageContaining("from 1 to 3");
  }

  @Test
  void steps_splitByShares() {
    var config = StageConfig.pyramid(3, SHARED);
    assertThat(config.splitSteps(30)).containsExactly(10, 10, 10);
    assertThat(config.splitSteps(31)).containsExactly(10, 10, 11);
    assertThat(config.withStepSplit(List.of(1, 1, 2)).splitSteps(30)).containsExactly(7, 8, 15);
    assertThat(config.withStepSplit(List.of(2, 1, 1)).splitSteps(4)).containsExactly(2, 1, 1);
    assertThat(config.withStepSplit(List.of(98, 1, 1)).splitSteps(3)).containsExactly(1, 1, 1);
    assertThatThrownBy(() -> config.splitSteps(2)).hasMessageContaining("at least one for each");
  }

  /** Frames of one pixel. */
  static LatentGrid grid(int frames) {
    return new LatentGrid(frames, 1, 1);
  }

  static Latents noise(LatentShape shape, long seed) {
    var random = new Random(seed);
    return NoiseSource.of(random).draw(shape);
  }

  private static Latents ramp(int frames) {
    float[] data = new float[frames];
    for (int i = 0; i < frames; i++) {
      data[i] = i;
    }
    return Latents.of(new LatentShape(1, 1, frames, 1, 1), data);
  }

  /** The given frames of clips. */
  private static Latents frames(Latents x, int... indices) {
    int pixels = x.shape().pixels();
    Latents some = Latents.zeros(x.shape().withFrames(indices.length));
    for (int to = 0; to < some.data().length; to += pixels) {
      int frame = to / pixels;
      int from = frame / indices.length * x.frames() + indices[frame % indices.length];
      System.arraycopy(x.data(), from * pixels, some.data(), to, pixels);
    }
    return some;
  }

  /** Within rounding of a few float operations on values of size 1 to 10. */
  private static void assertClose(Latents actual, Latents expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    for (int i = 0; i < expected.data().length; i++) {
      assertThat((double) actual.data()[i]).isCloseTo(expected.data()[i], within(5e-6));
    }
  }

  @Test
  void numbers_enterAStageAsSamplingDoes() {
    StagePlan plan = StagePlan.of(StageConfig.pyramid(3, SHARED), FLOW, grid(9));
    StageNumbers.Entry entry = plan.numbers(plan.stage(2)).entry().orElseThrow();
    StageNumbers.NoiseOverTime over = entry.overTime().orElseThrow();
    var source = NoiseSource.seeded(3);
    Latents end = source.draw(new LatentShape(1, 1, 3, 1, 1));
    Latents noise = source.draw(new LatentShape(1, 1, 5, 1, 1));
    float[] expected = plan.linkages().get(0).apply(end, noise).data();
    for (int i = 0; i < 5; i++) {
      double raised = product(entry.upsampling().get(i), end);
      double added = product(over.factor().get(i), noise);
      assertThat(entry.scale() * raised + added).isCloseTo(expected[i], within(1e-6));
    }
    assertThat(plan.numbers(plan.stage(3)).entry()).isEmpty();
  }

  @Test
  void numbers_sayTheCovarianceOfTheNoiseOnTheWayIntoAStage() {
    StagePlan plan = StagePlan.of(StageConfig.pyramid(3, SHARED), FLOW, grid(9));
    StageNumbers.Entry entry = plan.numbers(plan.stage(2)).entry().orElseThrow();
    StageNumbers.NoiseOverTime over = entry.overTime().orElseThrow();
    for (int i = 0; i < 5; i++) {
      for (int j = 0; j < 5; j++) {
        List<Double> column = over.factor().get(j); // symmetric
        double gram = dot(entry.upsampling().get(i), entry.upsampling().get(j));
        double expected = (i == j ? entry.variance() : 0) - entry.kept() * gram;
        assertThat(over.covariance().get(i).get(j)).isCloseTo(expected, within(1e-12));
        assertThat(dot(over.factor().get(i), column)).isCloseTo(expected, within(1e-12));
      }
    }
    var cubes = StageConfig.of(List.of(GridFactor.cube(2)), SHARED);
    StagePlan ofSpace = StagePlan.of(cubes, FLOW, new LatentGrid(5, 2, 2));
    StageNumbers.Entry grid = ofSpace.numbers(ofSpace.stage(1)).entry().orElseThrow();
    assertThat(grid.rates()).isEqualTo(GridFactor.cube(2));
    assertThat(grid.overTime()).isEmpty();
    assertThat(grid.variance()).isEqualTo(FLOW.time(0.5) * FLOW.time(0.5));
    assertThat(grid.kept()).isCloseTo(grid.variance() / 8, within(1e-12));
  }

  private static double dot(List<Double> some, List<Double> others) {
    double sum = 0;
    for (int k = 0; k < some.size(); k++) {
      sum += some.get(k) * others.get(k);
    }
    return sum;
  }

  private static double product(List<Double> row, Latents frames) {
    double sum = 0;
    for (int j = 0; j < row.size(); j++) {
      sum += row.get(j) * frames.data()[j];
    }
    return sum;
  }

  @Test
  void numbers_ofTheFirstStageSayThatAllButTheDataIsNoise() {
    // From noise to data: dy/dτ = ε − x_0 for flow matching, so the data's motion is −x_0 there,
    // which meets τ = 0 at x_0 itself where the stage ends in data.
    StagePlan one = StagePlan.of(StageConfig.pyramid(1, SHARED), FLOW, grid(2));
    assertThat(one.numbers(one.stage(1)).drift())
        .isEqualTo(List.of(List.of(-1.0, 0.0), List.of(0.0, -1.0)));
    StagePlan table = StagePlan.of(StageConfig.pyramid(1, GROUPED), DDIM, grid(2));
    assertThat(table.numbers(table.stage(1)).drift().get(0).get(0)).isZero();
  }

  @Test
  void numbers_sayTheScaleOfTheStagesOwnTime() {
    var config =
        StageConfig.pyramid(2, SHARED)
            .withBoundaries(List.of(0.6))
            .withTargetScale(StageConfig.TargetScale.STAGE);
    StagePlan plan = StagePlan.of(config, FLOW, grid(5));
    assertThat(plan.numbers(plan.stage(1)).predictionScale()).isCloseTo(0.6, within(1e-12));
  }
}
