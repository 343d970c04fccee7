package io.github.tpdiff.lora.train;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

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
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.optim.Adafactor;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.optim.AdamW8bit;
import io.github.tpdiff.runtime.optim.Lion;
import io.github.tpdiff.runtime.optim.OptimizerKind;
import io.github.tpdiff.runtime.optim.Prodigy;
import io.github.tpdiff.runtime.optim.RunningMean;
import io.github.tpdiff.runtime.torch.TorchEngine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The trainer with each optimizer, on PyTorch's device and on the host. */
final class OptimizerResumeTest {
  private static final TorchEngine ENGINE = TorchEngine.cpu();
  private static final int STEPS = 8;
  private static final PhasedDiffusion PHASED =
      PhasedDiffusion.of(
          StageConfig.pyramid(2, FrameResampling.sharedFirstFrame()),
          Scheduler.fromConfig(
                  Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0))
              .schedule());

  @TempDir private Path folder;

  static Stream<OptimizerKind> kinds() {
    return Stream.of(
        AdamW.DEFAULT,
        AdamW8bit.DEFAULT,
        Adafactor.DEFAULT,
        new Prodigy(0.9, 0.999, 1e-8, 0.01, new Prodigy.Estimation(1e-2, 1, true, true)),
        Lion.DEFAULT);
  }

  private static TrainingTarget lora() {
    var network = TinyNetwork.network();
    var injection =
        LoraInjection.inject(network.program(), LoraConfig.of(1, 1, List.of("to_q", "to_k")));
    return TrainingTarget.lora(
        injection, network.weights(), injection.freshParameters(5, network.weights()));
  }

  private static TrainingRun run(OptimizerKind kind, Optional<RunningMean> mean) {
    boolean isProdigy = kind instanceof Prodigy;
    var rate =
        new LearningRate(
            isProdigy ? 1 : 0.02, 2, LearningRate.Decay.COSINE, STEPS, LearningRate.Curve.USUAL);
    var settings =
        new TrainingSettings(
            11,
            STEPS,
            new Batches(2, 2),
            new Descent(kind, rate, OptionalDouble.of(0.5), mean, isProdigy ? 1 : 4),
            Dropout.ofCaptions(0.3),
            Activations.RECOMPUTED);
    return TrainingRun.inMemory(
            lora(), MemorySet.of(3, 5).and(MemorySet.of(2, 3)), PHASED, settings)
        .validatedOn(new Validation(new PhasedClips(MemorySet.of(1, 5), PHASED), 2, 2));
  }

  private static TrainingRun averaged(OptimizerKind kind) {
    return run(kind, Optional.of(new RunningMean(0.8)));
  }

  private StateFolder states() {
    return new StateFolder(
        folder.resolve("out"),
        100,
        2,
        (place, snapshot) ->
            io.github.tpdiff.weights.safetensors.SafetensorsWriter.write(
                place.resolve("result.safetensors"), Parameter.source(snapshot.parameters())));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void stoppedAndResumedOnTheDevice_equalsTheUninterruptedBitForBit(OptimizerKind kind) {
    requireSameResumed(averaged(kind), averaged(kind), averaged(kind), ENGINE);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void stoppedAndResumedOnTheHost_equalsTheUninterruptedBitForBit(OptimizerKind kind) {
    requireSameResumed(onHost(kind), onHost(kind), onHost(kind), ENGINE);
  }

  private static TrainingRun onHost(OptimizerKind kind) {
    return averaged(kind).withGradients(GradientSource.local());
  }

  private void requireSameResumed(
      TrainingRun uninterrupted, TrainingRun stopped, TrainingRun resumed, TrainingEngine engine) {
    var whole = new WatchedSteps(99);
    TrainingOutcome expected = Trainer.train(uninterrupted, engine, whole);
    var first = new WatchedSteps(3);
    var second = new WatchedSteps(99);
    assertThat(Trainer.train(stopped.savedIn(states(), Start.FRESH), engine, first).end())
        .isEqualTo(End.STOPPED);
    TrainingOutcome found = Trainer.train(resumed.savedIn(states(), Start.RESUME), engine, second);
    first.steps.addAll(second.steps);
    assertThat(first.losses()).isEqualTo(whole.losses()).hasSize(STEPS);
    assertThat(WatchedSteps.values(found)).isEqualTo(WatchedSteps.values(expected));
    assertThat(second.validations.get(second.validations.size() - 1))
        .isEqualTo(whole.validations.get(whole.validations.size() - 1));
  }

  /** To 1e-6 of the largest value: losses, validations of the mean, and what is written. */
  @ParameterizedTest
  @MethodSource("kinds")
  void trainingOnTheDevice_isThatOnTheHost(OptimizerKind kind) {
    var onDevice = new WatchedSteps(99);
    var onHost = new WatchedSteps(99);
    TrainingOutcome found = Trainer.train(averaged(kind), ENGINE, onDevice);
    TrainingOutcome expected = Trainer.train(onHost(kind), ENGINE, onHost);
    for (int i = 0; i < STEPS; i++) {
      assertThat(onDevice.losses().get(i))
          .isCloseTo(onHost.losses().get(i), within(1e-6 * onHost.losses().get(i)));
    }
    assertThat(onDevice.validations).hasSameSizeAs(onHost.validations);
    for (int i = 0; i < onHost.validations.size(); i++) {
      Map<Integer, Double> validation = onDevice.validations.get(i);
      onHost
          .validations
          .get(i)
          .forEach(
              (stage, loss) ->
                  assertThat(requireNonNull(validation.get(stage)))
                      .isCloseTo(loss, within(1e-6 * loss)));
    }
    expected
        .parameters()
        .forEach(
            (name, p) -> {
              float largest = 0;
              for (float value : p.values()) {
                largest = Math.max(largest, Math.abs(value));
              }
              assertThat(Parameter.require(found.parameters(), name).values())
                  .as(name)
                  .containsExactly(
                      p.values(), org.assertj.core.data.Offset.offset(1e-6f * largest));
            });
  }

  /** The mean of the values after each step, by its definition, is what the training gives. */
  @Test
  void resultWithAMean_isTheMeanOfAllSteps() {
    var trajectory = new ArrayList<Map<String, List<Float>>>();
    for (int steps = 1; steps <= 3; steps++) {
      trajectory.add(
          WatchedSteps.values(
              Trainer.train(run(Lion.DEFAULT, Optional.empty()), ENGINE, new WatchedSteps(steps))));
    }
    TrainingOutcome found = Trainer.train(averaged(Lion.DEFAULT), ENGINE, new WatchedSteps(3));
    // Decays of 0, then min(0.8, n / (9 + n)) for n = 2, 3.
    double[] weights = {2 / 11.0 * 3 / 12.0, 9 / 11.0 * 3 / 12.0, 9 / 12.0};
    assertThat(Arrays.stream(weights).sum()).isCloseTo(1, within(1e-12));
    WatchedSteps.values(found)
        .forEach(
            (name, means) -> {
              for (int i = 0; i < means.size(); i++) {
                double mean = 0;
                for (int step = 0; step < 3; step++) {
                  mean += weights[step] * requireNonNull(trajectory.get(step).get(name)).get(i);
                }
                assertThat((double) means.get(i)).isCloseTo(mean, within(1e-6));
              }
            });
  }

  @Test
  void aRunThatIsDone_givesItsMeanAgain() {
    var last = run(AdamW.DEFAULT, Optional.of(new RunningMean(0.8)));
    TrainingOutcome expected =
        Trainer.train(last.savedIn(states(), Start.FRESH), ENGINE, new WatchedSteps(99));
    var again = averaged(AdamW.DEFAULT).savedIn(states(), Start.RESUME);
    assertThat(WatchedSteps.values(Trainer.train(again, ENGINE, new WatchedSteps(99))))
        .isEqualTo(WatchedSteps.values(expected));
    try (var file =
        io.github.tpdiff.weights.safetensors.SafetensorsFile.open(
            folder.resolve("out/result.safetensors"))) {
      expected
          .parameters()
          .forEach((name, p) -> assertThat(file.floats(name)).isEqualTo(p.values()));
    }
  }

  @Test
  void rateOfB_withoutAB_isRefused() {
    var network = TinyNetwork.network();
    var target = TrainingTarget.weights(network, List.of(new ModulePattern("to_q")));
    var settings = averaged(AdamW.DEFAULT).settings();
    assertThatThrownBy(() -> TrainingRun.inMemory(target, MemorySet.of(3, 5), PHASED, settings))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("train.lora_plus: expected tensors lora_B to be trained, found");
  }
}
