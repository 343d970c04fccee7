package io.github.tpdiff.lora.train;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.train.Draws.Purpose;
import io.github.tpdiff.lora.train.StageProbe.Asked;
import io.github.tpdiff.lora.train.StageProbe.Extent;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.diffusion.TimeRange;
import io.github.tpdiff.runtime.diffusion.TorchRandom;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class StageProbeTest {
  private static final long SEED = 7;
  private static final int SIDE = 4;
  private static final LatentShape CLIP = new LatentShape(1, 2, SIDE, SIDE, SIDE);

  private static final NoiseSchedule SCHEDULE =
      Scheduler.fromConfig(Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0))
          .schedule();

  /** Half of each side, frames by dropping, rows and columns by their mean. */
  private static final StageConfig CUBES =
      StageConfig.of(List.of(GridFactor.cube(2)), FrameResampling.groupedFirstFrame());

  private static final PositionRules NATIVE = PositionRules.all(PositionRule.NATIVE);
  private static final PositionRules NATIVE_TIME =
      new PositionRules(PositionRule.NATIVE, PositionRule.SCALED, PositionRule.SCALED);
  private static final PositionRules NATIVE_SPACE =
      new PositionRules(PositionRule.SCALED, PositionRule.NATIVE, PositionRule.NATIVE);

  /** Half of what it is given, and a part of each position that it reads. */
  private static Component network(double rows, double frames) {
    Value x = Value.input("hidden_states", "batch", 2, "frames", "height", "width");
    Value prediction = x.times(0.5);
    if (frames != 0) {
      Value positions = Value.input("temporal_positions", "frames");
      prediction = prediction.plus(positions.reshape(1, 1, "frames", 1, 1).times(frames));
    }
    if (rows != 0) {
      Value positions = Value.input("row_positions", "height");
      prediction = prediction.plus(positions.reshape(1, 1, 1, "height", 1).times(rows));
    }
    return new Component(
        "transformer",
        new Program(
            "transformer",
            List.of(Graph.of("all", "out_hidden_states", prediction)),
            List.of("out_hidden_states")),
        MemoryTensors.builder().build());
  }

  private static MemorySet clips(int count) {
    return new MemorySet(
        IntStream.range(0, count).mapToObj(i -> new TorchRandom(50 + i).draw(CLIP)).toList());
  }

  private static PhasedClips phased(int count, StageConfig stages) {
    return new PhasedClips(clips(count), PhasedDiffusion.of(stages, SCHEDULE));
  }

  private static StageLosses losses(Component network, PhasedClips clips, Extent extent) {
    var probe = new StageProbe(List.of(new Asked(network, clips)), SEED);
    try (var engine = TorchEngine.cpu()) {
      return probe.losses(engine, extent, (done, total) -> {});
    }
  }

  @Test
  void losses_areThoseOfTheFormulasWrittenOut() {
    StageLosses found = losses(network(0.2, 0.3), phased(2, CUBES), Extent.ALL);
    assertThat(found.staged().keySet())
        .containsExactly(PositionRules.scaled(), NATIVE_TIME, NATIVE_SPACE, NATIVE);
    for (PositionRules rules : found.staged().keySet()) {
      double frames = rules.time() == PositionRule.SCALED ? 2 : 1;
      double rows = rules.height() == PositionRule.SCALED ? 2 : 1;
      assertThat(found.of(rules).get(2))
          .as("%s", rules)
          .isCloseTo(byHand(2, false, rows, frames), within(1e-4));
      assertThat(found.of(rules).get(1)).isCloseTo(byHand(1, false, 1, 1), within(1e-4));
    }
    for (int stage = 1; stage <= 2; stage++) {
      assertThat(found.vanilla().get(stage)).isCloseTo(byHand(stage, true, 1, 1), within(1e-4));
      assertThat(found.excess().get(stage))
          .isCloseTo(
              requireNonNull(found.of(found.best()).get(stage)) / found.vanilla().get(stage),
              within(1e-9));
    }
  }

  /** The mean loss in a stage, or of plain flow matching at its times. */
  private static double byHand(int stage, boolean vanilla, double rowStep, double frameStep) {
    // The second stage starts in the middle of the schedule of shift 3; the first ends where noise
    // over signal is that over √8.
    double boundary = 0.75;
    double ratio = 3 / Math.sqrt(8);
    double start = stage == 2 ? 1 : boundary;
    double end = stage == 2 ? ratio / (1 + ratio) : 0;
    double sum = 0;
    int count = 0;
    for (int clip = 0; clip < 2; clip++) {
      for (int j = 0; j < 4; j++) {
        double t = end + (start - end) * (j + 0.5) / 4;
        long seed = new Draws(SEED).bits(Purpose.VALIDATION, clip, stage, j);
        boolean coarse = stage == 2 && !vanilla;
        int side = coarse ? SIDE / 2 : SIDE;
        float[] noise =
            NoiseSource.seeded(seed).draw(new LatentShape(1, 2, side, side, side)).data();
        for (int i = 0; i < noise.length; i++) {
          double own = coarse ? coarse(clip, i) : clips(2).latents(clip).data()[i];
          double x = (1 - t) * own + t * noise[i];
          double target = noise[i] - own;
          if (stage == 1 && !vanilla) {
            // From the repeated coarse clip with noise, at 0.75, straight to the clip.
            double from = (1 - start) * repeated(clip, i) + start * noise[i];
            x = own + t / start * (from - own);
            target = (from - own) / start;
          }
          int row = i / side % side;
          int frame = i / (side * side) % side;
          double predicted = 0.5 * x + 0.2 * rowStep * row + 0.3 * frameStep * frame;
          sum += (predicted - target) * (predicted - target);
          count++;
        }
      }
    }
    return sum / count;
  }

  /** Value i of [2, 2, 2, 2]: of every second frame the mean over a block of four. */
  private static double coarse(int clip, int i) {
    int column = i % 2;
    int row = i / 2 % 2;
    int frame = i / 4 % 2;
    int channel = i / 8;
    double sum = 0;
    for (int h = 0; h < 2; h++) {
      for (int w = 0; w < 2; w++) {
        int place = ((channel * 4 + 2 * frame) * 4 + 2 * row + h) * 4 + 2 * column + w;
        sum += clips(2).latents(clip).data()[place];
      }
    }
    return sum / 4;
  }

  /** Value i of [2, 4, 4, 4], each the coarse one of its block. */
  private static double repeated(int clip, int i) {
    int column = i % 4 / 2;
    int row = i / 4 % 4 / 2;
    int frame = i / 16 % 4 / 2;
    return coarse(clip, ((i / 64 * 2 + frame) * 2 + row) * 2 + column);
  }

  @Test
  void best_isTheLeastSum_andScaledAmongEquals() {
    assertThat(losses(network(0.2, 0.3), phased(2, CUBES), Extent.POSITIONS).best())
        .isEqualTo(NATIVE); // larger positions lead this network further astray
    assertThat(
            new StageLosses(
                    Map.of(PositionRules.scaled(), Map.of(2, 1.0, 1, 2.0)), Map.of(2, 0.5, 1, 1.0))
                .mostExcess())
        .isEqualTo(2);
    StageLosses even = losses(network(1e-30, 0.3), phased(1, CUBES), Extent.POSITIONS);
    assertThat(even.sum(NATIVE)).isEqualTo(even.sum(NATIVE_TIME));
    assertThat(even.best()).isEqualTo(NATIVE_TIME);
    assertThat(new StageLosses(Map.of(), Map.of()).best()).isEqualTo(PositionRules.scaled());
  }

  @Test
  void positionsAlone_areAskedOnlyWhereTheyMakeADifference() {
    StageLosses found = losses(network(0.2, 0.3), phased(2, CUBES), Extent.POSITIONS);
    assertThat(found.vanilla()).isEmpty();
    assertThat(found.staged()).hasSize(4);
    assertThat(found.staged().values()).allMatch(own -> own.keySet().equals(Map.of(2, 0).keySet()));
    StageLosses all = losses(network(0.2, 0.3), phased(2, CUBES), Extent.ALL);
    assertThat(found.of(NATIVE).get(2)).isEqualTo(all.of(NATIVE).get(2));
  }

  @Test
  void choices_areAlongAxesWithRatesWhosePositionsTheNetworkReads() {
    Program both = network(1, 1).program();
    Program frames = network(0, 1).program();
    StageConfig time = CUBES.withRates(GridFactor.ofTimes(2));
    StageConfig space = CUBES.withRates(List.of(new GridFactor(1, 2, 2)));
    PositionRules scaled = PositionRules.scaled();
    assertThat(StageProbe.choices(time, both)).containsExactly(scaled, NATIVE_TIME);
    assertThat(StageProbe.choices(space, both)).containsExactly(scaled, NATIVE_SPACE);
    assertThat(StageProbe.choices(CUBES, frames)).containsExactly(scaled, NATIVE_TIME);
    assertThat(StageProbe.choices(space, frames)).containsExactly(scaled);
    assertThat(StageProbe.choices(CUBES.withRates(List.of()), both)).containsExactly(scaled);
  }

  /** A stage's own time is a part of global time, and velocities in it as much smaller. */
  @Test
  void losses_areInGlobalTime_whateverTheTargetsAre() {
    var probe = phased(2, CUBES.withTargetScale(TargetScale.STAGE));
    StageLosses own = losses(zero(), probe, Extent.ALL);
    StageLosses global = losses(zero(), phased(2, CUBES), Extent.ALL);
    for (int stage = 1; stage <= 2; stage++) {
      assertThat(own.of(own.best()).get(stage))
          .isCloseTo(requireNonNull(global.of(global.best()).get(stage)), within(1e-4));
    }
  }

  private static Component zero() {
    Value x = Value.input("hidden_states", "batch", 2, "frames", "height", "width");
    return new Component(
        "transformer",
        new Program(
            "transformer",
            List.of(Graph.of("all", "out_hidden_states", x.times(0))),
            List.of("out_hidden_states")),
        MemoryTensors.builder().build());
  }

  @Test
  void denoisersOfSeveralTimes_areEachAskedAtTheirOwn() {
    PhasedDiffusion diffusion = PhasedDiffusion.of(CUBES, SCHEDULE);
    var asked = new ArrayList<Asked>();
    var alone = new ArrayList<StageLosses>();
    for (TimeRange times : List.of(new TimeRange(1, 0.9), new TimeRange(0.9, 0))) {
      var clips = new PhasedClips(clips(1), diffusion.at(times), Optional.of("transformer"));
      asked.add(new Asked(network(0, 0.3), clips));
      alone.add(losses(network(0, 0.3), clips, Extent.ALL));
    }
    var heard = new ArrayList<String>();
    try (var engine = TorchEngine.cpu()) {
      StageLosses both =
          new StageProbe(asked, SEED)
              .losses(engine, Extent.ALL, (done, total) -> heard.add(done + "/" + total));
      PositionRules scaled = PositionRules.scaled();
      // The first is never asked in stage 1, which begins at 0.75.
      assertThat(alone.get(0).vanilla().keySet()).containsExactly(2);
      assertThat(both.of(scaled).get(1)).isEqualTo(alone.get(1).of(scaled).get(1));
      double mean =
          (requireNonNull(alone.get(0).of(scaled).get(2))
                  + requireNonNull(alone.get(1).of(scaled).get(2)))
              / 2;
      assertThat(both.of(scaled).get(2)).isCloseTo(mean, within(1e-9));
      // Stage 2 twice under two rules, stage 1 once under one, each with its own diffusion beside.
      assertThat(heard).hasSize(4 * (3 + 3 + 2)).last().isEqualTo("32/32");
    }
  }

  @Test
  void someOfManyClips_areLookedAt() {
    var heard = new ArrayList<Integer>();
    var probe = new StageProbe(List.of(new Asked(zero(), phased(9, CUBES))), SEED);
    try (var engine = TorchEngine.cpu()) {
      StageLosses found = probe.losses(engine, Extent.ALL, (done, total) -> heard.add(total));
      assertThat(heard).hasSize(StageProbe.MOST_CLIPS * 4 * 4);
      StageLosses again = probe.losses(engine, Extent.ALL, (done, total) -> {});
      assertThat(again).isEqualTo(found);
    }
  }
}
