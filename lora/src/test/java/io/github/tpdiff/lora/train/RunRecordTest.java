package io.github.tpdiff.lora.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.LoraConfig;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.TinyNetwork;
import io.github.tpdiff.lora.optim.LearningRate;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Descent;
import io.github.tpdiff.lora.train.TrainingSettings.Dropout;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.LossWeighting;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageWeights;
import io.github.tpdiff.runtime.diffusion.TimeRange;
import io.github.tpdiff.runtime.diffusion.TimestepSampling;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a training leaves in its folder, and what of it lets the training go on. */
final class RunRecordTest {
  private static final StageConfig STAGES =
      StageConfig.pyramid(2, FrameResampling.sharedFirstFrame());

  @TempDir private Path folder;

  private static NoiseSchedule schedule(double shift) {
    return Scheduler.fromConfig(
            Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", shift))
        .schedule();
  }

  private static TrainingTarget lora(LoraConfig config) {
    var network = TinyNetwork.network();
    var injection = LoraInjection.inject(network.program(), config);
    return TrainingTarget.lora(
        injection, network.weights(), injection.freshParameters(5, network.weights()));
  }

  private static final LoraConfig CONFIG = LoraConfig.of(1, 1, List.of("to_q", "to_k"));
  private static final PhasedDiffusion PHASED = PhasedDiffusion.of(STAGES, schedule(3));
  private static final MemorySet CLIPS = MemorySet.of(3, 5);

  private static TrainingSettings settings(int steps) {
    return new TrainingSettings(
        11,
        steps,
        new Batches(1, 2),
        Descent.constant(0.05),
        Dropout.ofCaptions(0.3),
        Activations.RECOMPUTED);
  }

  private StateFolder states() {
    return new StateFolder(
        folder.resolve("out"),
        2,
        3,
        (place, snapshot) ->
            SafetensorsWriter.write(
                place.resolve("result.safetensors"), Parameter.source(snapshot.parameters())));
  }

  private TrainingRun run(int steps, Start start) {
    return TrainingRun.inMemory(lora(CONFIG), CLIPS, PHASED, settings(steps))
        .validatedOn(new Validation(new PhasedClips(CLIPS, PHASED), 3, 1))
        .savedIn(states(), start);
  }

  /** Stops after so many steps, and remembers where it went on. */
  private static final class Watch implements TrainingListener {
    private final int stopAfter;
    private final List<Path> from = new ArrayList<>();
    private final List<String> damaged = new ArrayList<>();
    private int steps;

    Watch(int stopAfter) {
      this.stopAfter = stopAfter;
    }

    @Override
    public void resumed(Path state, List<String> passedOver) {
      from.add(state);
      damaged.addAll(passedOver);
    }

    @Override
    public void stepped(TrainingProgress progress) {
      steps++;
    }

    @Override
    public boolean stopAsked() {
      return steps >= stopAfter;
    }
  }

  private static Watch train(TrainingRun run, int stopAfter) {
    var watch = new Watch(stopAfter);
    Trainer.train(run, new FiniteDifferences(), watch);
    return watch;
  }

  private List<String> log() throws IOException {
    return Files.readAllLines(folder.resolve("out/log.csv"));
  }

  @Test
  void log_hasARowAStepWithLossesByStageAndTheirRunningMeans() throws IOException {
    train(run(7, Start.FRESH), 99);
    List<String> rows = log();
    assertThat(rows.get(0))
        .isEqualTo(
            "step,epoch,loss,loss_stage_2,loss_stage_1,smoothed_stage_2,smoothed_stage_1,"
                + "learning_rate,gradient_norm,validation_stage_2,validation_stage_1");
    assertThat(rows).hasSize(1 + 1 + 7);
    var sums = new double[2];
    var counts = new int[2];
    for (int i = 1; i < rows.size(); i++) {
      String[] fields = rows.get(i).split(",", -1);
      int step = i - 1;
      assertThat(fields).hasSize(11);
      assertThat(fields[0]).isEqualTo(Integer.toString(step));
      for (int stage = 0; stage < 2; stage++) {
        if (!fields[3 + stage].isEmpty()) {
          sums[stage] += Double.parseDouble(fields[3 + stage]);
          counts[stage]++;
        }
        if (counts[stage] > 0) {
          assertThat(Double.parseDouble(fields[5 + stage]))
              .isCloseTo(
                  sums[stage] / counts[stage], org.assertj.core.api.Assertions.within(1e-12));
        }
        // Before the first step, every third, after the last.
        assertThat(fields[9 + stage].isEmpty()).isEqualTo(step % 3 != 0 && step != 7);
      }
    }
  }

  /** Killed after step 5 with a state of step 4, in the middle of writing a row. */
  @Test
  void logOfAResumedRun_isThatOfTheUninterruptedOne() throws IOException {
    train(run(7, Start.FRESH), 99);
    List<String> whole = log();
    Files.delete(folder.resolve("out/states/step-00000007/state.safetensors"));
    Files.delete(folder.resolve("out/states/step-00000006/state.safetensors"));
    Files.writeString(
        folder.resolve("out/log.csv"),
        String.join("\n", whole.subList(0, 7)) + "\n" + whole.get(7).substring(0, 9));
    train(run(7, Start.RESUME), 99);
    assertThat(log()).isEqualTo(whole);
    train(run(7, Start.RESUME), 99);
    assertThat(log()).isEqualTo(whole);
  }

  /** Killed after step 7 with a state of step 4: readers forget what was told of 5 to 7. */
  @Test
  void eventsOfAResumedRun_beginAfterItsStateInAFileOfTheirOwn() throws IOException {
    train(run(7, Start.FRESH), 99);
    Files.delete(folder.resolve("out/states/step-00000007/state.safetensors"));
    Files.delete(folder.resolve("out/states/step-00000006/state.safetensors"));
    train(run(7, Start.RESUME), 99);
    List<Path> files;
    try (var all = Files.list(folder.resolve("out"))) {
      files = all.filter(f -> f.toString().contains("tfevents")).sorted().toList();
    }
    assertThat(files).hasSize(2);
    // The file's version, a session that starts, and what was told: row 0 and 7 steps, and 3 steps.
    assertThat(EventLogTest.records(files.get(0))).hasSize(2 + 8);
    List<byte[]> second = EventLogTest.records(files.get(1));
    assertThat(second).hasSize(2 + 3);
    // step 5 and session_log {status: START}, in protobuf's wire format behind the wall time.
    assertThat(second.get(1)).endsWith(new byte[] {0x10, 5, 0x3a, 2, 8, 1});
  }

  @Test
  void flippedBit_isAlwaysNoticed() throws IOException {
    train(run(2, Start.FRESH), 99);
    Path state = states().latest().orElseThrow();
    byte[] sound = Files.readAllBytes(state);
    StateChecksum.verify(state);
    var random = new Random(4);
    var positions = new ArrayList<Integer>();
    for (int i = 0; i < 200; i++) {
      positions.add(random.nextInt(sound.length));
    }
    // Every byte of the length and of the checksum's own entry.
    int entry =
        new String(sound, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf("tpdiff.sha256");
    for (int i = 0; i < 8; i++) {
      positions.add(i);
    }
    for (int i = entry - 1; i < entry + 82; i++) {
      positions.add(i);
    }
    for (int position : positions) {
      byte[] flipped = sound.clone();
      flipped[position] = (byte) (flipped[position] ^ (1 << random.nextInt(8)));
      Files.write(state, flipped);
      assertThatThrownBy(() -> StateChecksum.verify(state))
          .as("byte %d", position)
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(state.toString());
    }
    for (int length : List.of(0, 7, 8, 100, sound.length - 1)) {
      Files.write(state, java.util.Arrays.copyOf(sound, length));
      assertThatThrownBy(() -> StateChecksum.verify(state)).isInstanceOf(CheckpointException.class);
    }
  }

  @Test
  void damagedState_isPassedOverForTheOneBefore() throws IOException {
    train(run(6, Start.FRESH), 99);
    Path result = folder.resolve("out/result.safetensors");
    byte[] wanted = Files.readAllBytes(result);
    Path newest = states().latest().orElseThrow();
    byte[] bytes = Files.readAllBytes(newest);
    bytes[bytes.length - 1] = (byte) ~bytes[bytes.length - 1];
    Files.write(newest, bytes);

    Watch watch = train(run(6, Start.RESUME), 99);
    assertThat(watch.from)
        .containsExactly(folder.resolve("out/states/step-00000004/state.safetensors"));
    assertThat(watch.damaged)
        .singleElement()
        .asString()
        .startsWith(newest + ": the state is damaged");
    assertThat(watch.steps).isEqualTo(2);
    assertThat(result).hasBinaryContent(wanted);
  }

  @Test
  void nothingButDamagedStates_areRefusedByName() throws IOException {
    train(run(2, Start.FRESH), 99);
    Path only = states().latest().orElseThrow();
    byte[] bytes = Files.readAllBytes(only);
    int inAValue = bytes.length - 1;
    bytes[inAValue] = (byte) ~bytes[inAValue];
    Files.write(only, bytes);
    assertThatThrownBy(() -> train(run(4, Start.RESUME), 99))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(only + ": the state is damaged")
        .hasMessageContaining("no earlier state is whole");
  }

  @Test
  void secondTrainingInAFolder_isRefusedBeforeAnyWork() {
    FolderLock held = FolderLock.of(states().folder());
    assertThatThrownBy(() -> train(run(1, Start.FRESH), 99))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(states().folder() + ": another training writes into this folder");
    assertThat(folder.resolve("out/states")).doesNotExist();
    held.close();
    train(run(1, Start.FRESH), 99);
    train(run(1, Start.RESUME), 99);
  }

  private record InBf16(TrainingEngine engine) implements TrainingEngine {
    @Override
    public Trainable train(
        Program program, TensorSource weights, Set<String> trained, Activations activations) {
      return engine.train(program, weights, trained, activations);
    }

    @Override
    public String arithmetic() {
      return "bf16";
    }
  }

  @Test
  void anotherArithmetic_isAnotherRun() {
    train(run(2, Start.FRESH), 99);
    assertThatThrownBy(
            () ->
                Trainer.train(
                    run(4, Start.RESUME), new InBf16(new FiniteDifferences()), new Watch(99)))
        .hasMessageContaining("another compute: it was fp32, now it is bf16");
  }

  @Test
  void whateverDecidesTheResult_isPartOfTheRunWithoutAJobToo() {
    Map<String, TrainingRun> others = new LinkedHashMap<>();
    var base = settings(4);
    var constant = Descent.constant(0.05);
    others.put("alpha", of(lora(LoraConfig.of(1, 2, List.of("to_q", "to_k"))), PHASED, base));
    others.put("targets", of(lora(LoraConfig.of(1, 1, List.of("to_q"))), PHASED, base));
    others.put(
        "kind",
        of(
            TrainingTarget.weights(TinyNetwork.network(), List.of(new ModulePattern("to_q"))),
            PHASED,
            base));
    others.put("schedule", of(lora(CONFIG), PhasedDiffusion.of(STAGES, schedule(4)), base));
    others.put("alignment", of(lora(CONFIG), PHASED.withAlignment(Alignment.batch()), base));
    others.put(
        "times",
        of(
            lora(CONFIG),
            new PhasedDiffusion(
                STAGES,
                schedule(3),
                StageWeights.uniform(2),
                TimestepSampling.logitNormal(0, 1),
                Alignment.none(),
                LossWeighting.uniform(),
                TimeRange.all()),
            base));
    others.put(
        "weighting", of(lora(CONFIG), PHASED.withLossWeighting((stage, time) -> time), base));
    others.put("seed", with(12, new Batches(1, 2), constant, 0.3, Activations.RECOMPUTED));
    others.put("batch", with(11, new Batches(2, 2), constant, 0.3, Activations.RECOMPUTED));
    others.put("accumulation", with(11, new Batches(1, 1), constant, 0.3, Activations.RECOMPUTED));
    others.put("dropout", with(11, new Batches(1, 2), constant, 0.2, Activations.RECOMPUTED));
    others.put("activations", with(11, new Batches(1, 2), constant, 0.3, Activations.KEPT));
    var beta =
        new Descent(
            new AdamW(0.8, 0.999, 1e-8, 0.01), LearningRate.constant(0.05), OptionalDouble.of(1));
    others.put("beta", with(11, new Batches(1, 2), beta, 0.3, Activations.RECOMPUTED));
    train(run(2, Start.FRESH), 99);
    others.forEach(
        (what, other) ->
            assertThatThrownBy(() -> train(other.savedIn(states(), Start.RESUME), 99))
                .as(what)
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("cannot go on with another"));
    train(run(4, Start.RESUME), 99);
  }

  private static TrainingRun of(
      TrainingTarget target, PhasedDiffusion diffusion, TrainingSettings settings) {
    return TrainingRun.inMemory(target, CLIPS, diffusion, settings);
  }

  private static TrainingRun with(
      long seed, Batches batches, Descent descent, double dropout, Activations activations) {
    return of(
        lora(CONFIG),
        PHASED,
        new TrainingSettings(seed, 4, batches, descent, Dropout.ofCaptions(dropout), activations));
  }
}
