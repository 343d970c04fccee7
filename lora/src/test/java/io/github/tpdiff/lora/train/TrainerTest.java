package io.github.tpdiff.lora.train;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.LoraConfig;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.TinyNetwork;
import io.github.tpdiff.lora.optim.LearningRate;
import io.github.tpdiff.lora.train.TrainingOutcome.End;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Descent;
import io.github.tpdiff.lora.train.TrainingSettings.Dropout;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class TrainerTest {
  @TempDir private Path folder;

  private static final NoiseSchedule SCHEDULE =
      Scheduler.fromConfig(Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0))
          .schedule();

  private static final PhasedDiffusion PHASED =
      PhasedDiffusion.of(StageConfig.pyramid(2, FrameResampling.sharedFirstFrame()), SCHEDULE)
          .withAlignment(Alignment.window(4));

  private static TrainingTarget lora() {
    var network = TinyNetwork.network();
    var injection =
        LoraInjection.inject(network.program(), LoraConfig.of(1, 1, List.of("to_q", "to_k")));
    return TrainingTarget.lora(
        injection, network.weights(), injection.freshParameters(5, network.weights()));
  }

  private static TrainingSettings settings(int steps) {
    return new TrainingSettings(
        11,
        steps,
        new Batches(2, 2),
        new Descent(
            AdamW.DEFAULT,
            new LearningRate(0.05, 2, LearningRate.Decay.CONSTANT, 1),
            OptionalDouble.of(1)),
        Dropout.ofCaptions(0.3),
        Activations.RECOMPUTED);
  }

  /** The same towards smaller videos. */
  private static final PhasedDiffusion PIXEL =
      PhasedDiffusion.of(
              StageConfig.of(List.of(GridFactor.cube(2)), FrameResampling.sharedFirstFrame())
                  .withTargets(StageConfig.Targets.PIXEL),
              SCHEDULE)
          .withAlignment(Alignment.window(4));

  private static TrainingRun run(int steps) {
    return run(steps, PHASED);
  }

  private static TrainingRun run(int steps, PhasedDiffusion diffusion) {
    var clips = MemorySet.of(3, 5).and(MemorySet.of(2, 3));
    return TrainingRun.inMemory(lora(), clips, diffusion, settings(steps))
        .validatedOn(new Validation(new PhasedClips(MemorySet.of(1, 5), diffusion), 2, 2));
  }

  static Stream<PhasedDiffusion> diffusions() {
    return Stream.of(PHASED, PIXEL);
  }

  private StateFolder states(int every) {
    return new StateFolder(
        folder.resolve("out"),
        every,
        2,
        (place, snapshot) ->
            io.github.tpdiff.weights.safetensors.SafetensorsWriter.write(
                place.resolve("result.safetensors"), Parameter.source(snapshot.parameters())));
  }

  @ParameterizedTest
  @MethodSource("diffusions")
  void stoppedAndResumedRun_equalsTheUninterruptedOneBitForBit(PhasedDiffusion diffusion) {
    var whole = new WatchedSteps(Integer.MAX_VALUE);
    TrainingOutcome expected = Trainer.train(run(7, diffusion), new FiniteDifferences(), whole);

    var first = new WatchedSteps(3);
    var interrupted = run(7, diffusion).savedIn(states(2), Start.FRESH);
    assertThat(Trainer.train(interrupted, new FiniteDifferences(), first).end())
        .isEqualTo(End.STOPPED);
    var second = new WatchedSteps(Integer.MAX_VALUE);
    var resumed = run(7, diffusion).savedIn(states(2), Start.RESUME);
    TrainingOutcome outcome = Trainer.train(resumed, new FiniteDifferences(), second);

    assertThat(WatchedSteps.values(outcome)).isEqualTo(WatchedSteps.values(expected));
    var losses = new ArrayList<Double>();
    first.steps.forEach(s -> losses.add(s.loss()));
    second.steps.forEach(s -> losses.add(s.loss()));
    assertThat(losses).isEqualTo(whole.steps.stream().map(TrainingProgress::loss).toList());
    assertThat(second.steps.get(0).step()).isEqualTo(4);
    assertThat(second.validations.get(second.validations.size() - 1))
        .isEqualTo(whole.validations.get(whole.validations.size() - 1))
        .containsOnlyKeys(2, 1);
    assertThat(folder.resolve("out/states")).isDirectoryContaining("glob:**/step-00000007");
    assertThat(folder.resolve("out/states").toFile().list()).hasSize(2);
    assertThat(folder.resolve("out/result.safetensors")).isRegularFile();
  }

  @Test
  void training_lowersTheLossOfEveryStage() {
    var watch = new WatchedSteps(Integer.MAX_VALUE);
    var clips = MemorySet.of(2, 5);
    var run =
        TrainingRun.inMemory(
                TrainingTarget.weights(TinyNetwork.network(), List.of(new ModulePattern("**"))),
                clips,
                PHASED,
                settings(40))
            .validatedOn(new Validation(new PhasedClips(clips, PHASED), 40, 3));
    Trainer.train(run, new FiniteDifferences(), watch);
    Map<Integer, Double> before = watch.validations.get(0);
    Map<Integer, Double> after = watch.validations.get(1);
    assertThat(before.keySet()).containsExactlyInAnyOrder(2, 1);
    before.forEach(
        (stage, loss) -> assertThat(requireNonNull(after.get(stage))).isLessThan(0.9 * loss));
  }

  @Test
  void loraOnly_leavesTheBaseAlone() {
    var target = lora();
    Trainer.train(
        TrainingRun.inMemory(target, MemorySet.of(2, 5), PHASED, settings(1)),
        new FiniteDifferences(),
        new WatchedSteps(Integer.MAX_VALUE));
    assertThat(target.parameters().keySet()).allMatch(name -> name.contains(".lora_")).hasSize(4);
    assertThat(target.frozen().floats("blocks.0.attn1.to_q.weight"))
        .isEqualTo(TinyNetwork.weights().floats("blocks.0.attn1.to_q.weight"));
  }

  @Test
  void resumingWithAnotherSetting_isRefusedByName() {
    Trainer.train(
        run(2).savedIn(states(1), Start.FRESH), new FiniteDifferences(), new WatchedSteps(99));
    var other =
        TrainingRun.inMemory(
                lora(),
                MemorySet.of(3, 5).and(MemorySet.of(2, 3)),
                PHASED.withAlignment(Alignment.none()),
                settings(4))
            .savedIn(states(1), Start.RESUME);
    assertThatThrownBy(() -> Trainer.train(other, new FiniteDifferences(), new WatchedSteps(99)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("stages.alignment");
    assertThatThrownBy(
            () ->
                Trainer.train(
                    run(4).savedIn(states(1), Start.FRESH),
                    new FiniteDifferences(),
                    new WatchedSteps(99)))
        .hasMessageContaining("resume it or choose another output folder");
  }

  /** Breaks one gradient after some steps. */
  private record Breaking(int afterCalls, float value) implements TrainingEngine {
    @Override
    public Trainable train(
        io.github.tpdiff.runtime.graph.Program program,
        io.github.tpdiff.weights.TensorSource weights,
        java.util.Set<String> trained,
        Activations activations) {
      Trainable sound = new FiniteDifferences().train(program, weights, trained, activations);
      return new Trainable() {
        private int calls;

        @Override
        public void update(Map<String, Tensor> values) {
          sound.update(values);
        }

        @Override
        public Gradients gradients(Map<String, Tensor> inputs, Tensor target, Tensor weights) {
          Gradients result = sound.gradients(inputs, target, weights);
          if (calls++ < afterCalls) {
            return result;
          }
          var gradients = new LinkedHashMap<>(result.gradients());
          gradients.put(
              "blocks.0.attn1.to_q.lora_B.weight", Tensor.ofFloats(new float[] {value, 0}, 2, 1));
          return new Gradients(result.loss(), result.prediction(), gradients);
        }

        @Override
        public Tensor predict(Map<String, Tensor> inputs) {
          return sound.predict(inputs);
        }

        @Override
        public double loss(Map<String, Tensor> inputs, Tensor target) {
          return sound.loss(inputs, target);
        }

        @Override
        public void close() {
          sound.close();
        }
      };
    }
  }

  @Test
  void nonFiniteGradient_stopsNamesTheTensorAndKeepsTheLastGoodState() {
    TrainingOutcome good = Trainer.train(run(2), new FiniteDifferences(), new WatchedSteps(99));
    var broken = run(5).savedIn(states(100), Start.FRESH);
    assertThatThrownBy(
            () -> Trainer.train(broken, new Breaking(4, Float.NaN), new WatchedSteps(99)))
        .isInstanceOf(NonFiniteException.class)
        .hasMessageContaining("step 3")
        .hasMessageContaining("blocks.0.attn1.to_q.lora_B.weight");
    Path state = states(100).latest().orElseThrow();
    assertThat(Files.isRegularFile(state)).isTrue();
    StateChecksum.verify(state);
    TrainingState kept =
        TrainingState.read(state, broken.target().parameters(), broken.identity("fp32"));
    assertThat(kept.step()).isEqualTo(2);
    kept.parameters()
        .forEach(
            (name, p) ->
                assertThat(p.values())
                    .isEqualTo(requireNonNull(good.parameters().get(name)).values()));
  }

  @Test
  void everyEpoch_visitsEveryClipOnceInBatchesOfOneShape() {
    var set = MemorySet.of(5, 5).and(MemorySet.of(3, 3));
    var shapes = set.shapes();
    var visits = set.visits();
    var order = new BatchOrder(visits, 2, new Draws(4));
    assertThat(order.batchesPerEpoch()).isEqualTo(5);
    var epochs = new ArrayList<List<Integer>>();
    for (int epoch = 0; epoch < 3; epoch++) {
      var seen = new ArrayList<Integer>();
      for (int b = 0; b < 5; b++) {
        List<Integer> batch = order.batch(epoch * 5L + b);
        assertThat(batch.stream().map(shapes::get).distinct()).hasSize(1);
        seen.addAll(batch);
      }
      assertThat(seen).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7);
      epochs.add(seen);
    }
    assertThat(epochs.get(0)).isNotEqualTo(epochs.get(1));
  }
}
