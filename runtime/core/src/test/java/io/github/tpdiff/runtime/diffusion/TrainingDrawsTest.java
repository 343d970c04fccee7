package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleSupplier;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Stages, times and noises as training draws them. */
class TrainingDrawsTest {
  private static final int DRAWS = 10_000;
  private static final NoiseSchedule FLOW = new FlowSchedule(FlowSchedule.Spacing.UNI_PC, 3);
  private static final Stage WHOLE = new Stage(1, grid(9, 1), 1, 0);
  private static final Stage PART = new Stage(2, grid(5, 2), 0.8, 0.4);

  private static StageGrid grid(int frames, int stride) {
    return StageGrid.strided(new LatentGrid(frames, 1, 1), stride);
  }

  @Test
  void uniformTimes_areUniformInTheStage() {
    assertQuantiles(TimestepSampling.uniform(), PART, u -> 0.4 + 0.4 * u);
  }

  @Test
  void shiftedUniformTimes_areTheShiftOfUniformFractions() {
    assertQuantiles(TimestepSampling.uniform().shifted(5), WHOLE, u -> 5 * u / (1 + 4 * u));
  }

  @Test
  void sigmoidTimes_haveTheQuantilesOfASigmoidOfNormals() {
    double[] expected = new double[DRAWS];
    var random = new Random(5);
    for (int i = 0; i < DRAWS; i++) {
      double u = 1 / (1 + Math.exp(-1.3 * random.nextGaussian()));
      expected[i] = 3 * u / (1 + 2 * u);
    }
    Arrays.sort(expected);
    assertQuantiles(
        TimestepSampling.sigmoid(1.3).shifted(3), WHOLE, u -> expected[(int) (u * DRAWS)]);
  }

  @Test
  void logitNormalTimes_inAStageAreTheGlobalOnesThatFallThere() {
    var random = new Random(6);
    double[] expected =
        IntStream.range(0, 8 * DRAWS)
            .mapToDouble(i -> 1 / (1 + Math.exp(-(0.2 + 0.9 * random.nextGaussian()))))
            .filter(t -> t >= 0.4 && t <= 0.8)
            .sorted()
            .toArray();
    assertQuantiles(
        TimestepSampling.logitNormal(0.2, 0.9), PART, u -> expected[(int) (u * expected.length)]);
  }

  @Test
  void ddimTimes_areRowsAndEveryRowOfTheStage() {
    var table = VariancePreserving.linear(0.00085, 0.012, 10);
    var stage = new Stage(1, grid(4, 1), 0.5, 0);
    var random = new Random(7);
    long[] counts = new long[10];
    for (int i = 0; i < DRAWS; i++) {
      double t = TimestepSampling.uniform().draw(stage, table, random::nextDouble);
      counts[(int) Math.round(table.timestep(t))]++;
    }
    for (int row = 0; row < 10; row++) {
      assertThat(counts[row] / (double) DRAWS).isCloseTo(row < 5 ? 0.2 : 0, within(0.02));
    }
  }

  @Test
  void weights_sayHowOftenAStageIsVisited() {
    StagePlan plan =
        StagePlan.of(
            StageConfig.pyramid(3, FrameResampling.sharedFirstFrame()),
            FLOW,
            new LatentGrid(9, 1, 1));
    var random = new Random(8);
    var weights = new StageWeights(List.of(1.0, 0.0, 3.0));
    long[] counts = new long[4];
    for (int i = 0; i < DRAWS; i++) {
      counts[weights.draw(plan, random::nextDouble).number()]++;
    }
    assertThat(counts[3] / (double) DRAWS).isCloseTo(0.25, within(0.02));
    assertThat(counts[2]).isZero();
    assertThat(counts[1] / (double) DRAWS).isCloseTo(0.75, within(0.02));
    assertThatThrownBy(() -> new StageWeights(List.of(0.0, 0.0))).hasMessageContaining("not all 0");
    assertThatThrownBy(() -> StageWeights.uniform(2).draw(plan, random::nextDouble))
        .hasMessageContaining("expected 3 values");
  }

  @Test
  void alignment_bringsNoiseCloserToTheDataAndKeepsEverySeed() {
    var shape = new LatentShape(1, 2, 3, 2, 2);
    List<Latents> clips =
        IntStream.range(0, 64).mapToObj(i -> StagePlanTest.noise(shape, 1000 + i)).toList();
    List<Long> seeds = IntStream.range(0, 64).mapToObj(i -> (long) i).toList();
    List<Long> aligned =
        Alignment.window(64).align(clips, seeds, seed -> NoiseSource.seeded(seed).draw(shape));
    assertThat(aligned).containsExactlyInAnyOrderElementsOf(seeds);
    assertThat(distance(clips, aligned)).isLessThan(0.8 * distance(clips, seeds));
    assertThat(Alignment.window(64).clips(1)).isEqualTo(64);
    assertThat(Alignment.batch().clips(4)).isEqualTo(4);
    assertThat(Alignment.none().clips(4)).isEqualTo(1);
  }

  private static double distance(List<Latents> clips, List<Long> seeds) {
    double sum = 0;
    for (int i = 0; i < clips.size(); i++) {
      Latents noise = NoiseSource.seeded(seeds.get(i)).draw(clips.get(i).shape());
      Latents difference = clips.get(i).plus(-1, noise);
      sum += difference.dot(difference);
    }
    return sum;
  }

  /** Deciles of 10000 draws; their standard error is at most 0.005. */
  private static void assertQuantiles(
      TimestepSampling sampling, Stage stage, DoubleUnaryOperator quantile) {
    DoubleSupplier random = new Random(4)::nextDouble;
    double[] times =
        IntStream.range(0, DRAWS)
            .mapToDouble(i -> sampling.draw(stage, FLOW.form(), random))
            .sorted()
            .toArray();
    assertThat(times[0]).isGreaterThanOrEqualTo(stage.end());
    assertThat(times[DRAWS - 1]).isLessThanOrEqualTo(stage.start());
    for (double u = 0.1; u < 0.95; u += 0.1) {
      assertThat(times[(int) (u * DRAWS)]).isCloseTo(quantile.applyAsDouble(u), within(0.015));
    }
  }
}
