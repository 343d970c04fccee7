package io.github.tpdiff.lora.train;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.TinyNetwork;
import io.github.tpdiff.lora.optim.LearningRate;
import io.github.tpdiff.lora.optim.Optimizer;
import io.github.tpdiff.lora.train.GradientSource.BatchLoss;
import io.github.tpdiff.lora.train.GradientSource.StepBatches;
import io.github.tpdiff.lora.train.GradientSource.StepGradients;
import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Descent;
import io.github.tpdiff.lora.train.TrainingSettings.Dropout;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.LossWeighting;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.Test;

/** Gradients of several machines, other weights of examples: same trainer. */
final class SeamsTest {
  private static final PhasedDiffusion PHASED =
      PhasedDiffusion.of(
              StageConfig.pyramid(2, FrameResampling.sharedFirstFrame()),
              Scheduler.fromConfig(
                      Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0))
                  .schedule())
          .withAlignment(Alignment.window(4));

  private static TrainingRun run(
      PhasedDiffusion diffusion, double rate, int steps, int accumulation) {
    var descent = new Descent(AdamW.DEFAULT, LearningRate.constant(rate), OptionalDouble.empty());
    return TrainingRun.inMemory(
        TrainingTarget.weights(TinyNetwork.network(), List.of(new ModulePattern("to_q"))),
        MemorySet.of(4, 5),
        diffusion,
        new TrainingSettings(
            3,
            steps,
            new Batches(2, accumulation),
            descent,
            Dropout.ofCaptions(0.1),
            Activations.RECOMPUTED));
  }

  /** Losses by step; stops after so many steps. */
  private static final class Watch implements TrainingListener {
    private final List<Double> losses = new ArrayList<>();
    private final int most;

    Watch(int most) {
      this.most = most;
    }

    @Override
    public void stepped(TrainingProgress progress) {
      losses.add(progress.loss());
    }

    @Override
    public boolean stopAsked() {
      return losses.size() >= most;
    }
  }

  @Test
  void stateOfOtherTensors_isRefusedByName() {
    var parameter = Map.of("w", new Parameter(List.of(2L), new float[2]));
    var state =
        MemoryTensors.builder()
            .addFloats("exp_avg.w", List.of(2L), 0, 0)
            .addFloats("exp_avg_sq.w", List.of(3L), 0, 0, 0)
            .build();
    assertThatThrownBy(() -> Optimizer.resumed(AdamW.DEFAULT, parameter, 1, state))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tensor 'exp_avg_sq.w': expected [2], found [3]");
  }

  /** The machines of a run, which wait for each other at every step. */
  private static final class Ranks {
    private final CyclicBarrier barrier;
    private final List<Map<Integer, StepGradients>> found = new ArrayList<>();

    Ranks(int count) {
      barrier = new CyclicBarrier(count);
      for (int i = 0; i < count; i++) {
        found.add(new LinkedHashMap<>());
      }
    }

    int count() {
      return found.size();
    }

    private void meet() {
      try {
        barrier.await();
      } catch (InterruptedException | BrokenBarrierException broken) {
        throw new IllegalStateException(broken);
      }
    }
  }

  /** Computes each {@code count}-th batch of a step, and averages with the others. */
  private record Rank(int number, Ranks all, GradientSource local) implements GradientSource {
    @Override
    public Optional<StepGradients> mean(StepBatches step) {
      var own = new LinkedHashMap<Integer, StepGradients>();
      for (int i = number; i < step.count(); i += all.count()) {
        int place = i;
        var one = new StepBatches(1, p -> step.batches().apply(place), step.stopAsked());
        own.put(place, local.mean(one).orElseThrow());
      }
      all.found.set(number, own);
      all.meet();
      var batches = new ArrayList<BatchLoss>();
      var mean = new LinkedHashMap<String, float[]>();
      for (int i = 0; i < step.count(); i++) {
        StepGradients found = requireNonNull(all.found.get(i % all.count()).get(i));
        batches.addAll(found.batches());
        found
            .gradients()
            .forEach(
                (name, values) -> {
                  float[] sum = mean.computeIfAbsent(name, n -> new float[values.length]);
                  for (int k = 0; k < sum.length; k++) {
                    sum[k] += 1f / step.count() * values[k];
                  }
                });
      }
      all.meet();
      return Optional.of(new StepGradients(batches, mean));
    }
  }

  @Test
  void machinesThatAverage_eachTakeTheStepsOfOne() throws Exception {
    var alone = new Watch(99);
    TrainingOutcome expected =
        Trainer.train(run(PHASED, 0.05, 3, 4), new FiniteDifferences(), alone);
    var ranks = new Ranks(2);
    var watches = List.of(new Watch(99), new Watch(99));
    var outcomes = new ArrayList<TrainingOutcome>(List.of(expected, expected));
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < 2; i++) {
      int number = i;
      TrainingRun run =
          run(PHASED, 0.05, 3, 4)
              .withGradients(
                  (model, trained) ->
                      new Rank(number, ranks, GradientSource.local().on(model, trained)));
      threads.add(
          new Thread(
              () ->
                  outcomes.set(
                      number, Trainer.train(run, new FiniteDifferences(), watches.get(number)))));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    for (int i = 0; i < 2; i++) {
      assertThat(outcomes.get(i)).isNotSameAs(expected);
      assertThat(watches.get(i).losses).isEqualTo(alone.losses).hasSize(3);
      for (String name : expected.parameters().keySet()) {
        assertThat(Parameter.require(outcomes.get(i).parameters(), name).values())
            .isEqualTo(Parameter.require(expected.parameters(), name).values());
      }
    }
  }

  /** One stage counts twice as much: its losses are, and the other's are not. */
  @Test
  void weightOfAnExample_scalesItsLoss() {
    LossWeighting second = (stage, time) -> stage.number() == 2 ? 2 : 1;
    var even = new ArrayList<Map<Integer, Double>>();
    var odd = new ArrayList<Map<Integer, Double>>();
    // Nothing is learned, so that only the weights differ.
    double still = 1e-300;
    Trainer.train(run(PHASED, still, 6, 1), new FiniteDifferences(), byStage(even));
    Trainer.train(
        run(PHASED.withLossWeighting(second), still, 6, 1), new FiniteDifferences(), byStage(odd));
    assertThat(even.stream().flatMap(losses -> losses.keySet().stream())).contains(1, 2);
    assertThat(odd).hasSameSizeAs(even);
    for (int i = 0; i < even.size(); i++) {
      Map<Integer, Double> weighted = odd.get(i);
      even.get(i)
          .forEach(
              (stage, loss) ->
                  assertThat(requireNonNull(weighted.get(stage)))
                      .isCloseTo(stage == 2 ? 2 * loss : loss, within(1e-9)));
    }
  }

  private static TrainingListener byStage(List<Map<Integer, Double>> losses) {
    return new TrainingListener() {
      @Override
      public void stepped(TrainingProgress progress) {
        losses.add(progress.stageLosses());
      }
    };
  }
}
