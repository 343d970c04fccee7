package io.github.tpdiff.conformance.bench;

import com.sun.management.OperatingSystemMXBean;
import io.github.tpdiff.lora.LoraConfig;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.train.FixedBatchTraining;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingProgress;
import io.github.tpdiff.lora.train.TrainingRun;
import io.github.tpdiff.lora.train.TrainingSettings;
import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Descent;
import io.github.tpdiff.lora.train.TrainingSettings.Dropout;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.cost.Calibration;
import io.github.tpdiff.runtime.cost.TrainingCostModel;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.HostMemory;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ConditionedNetwork;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * Training steps of a LoRA on one made-up batch, through the trainer.
 *
 * @param model cut to the blocks that are measured
 * @param shape of the latents
 * @param rank of the LoRA
 * @param activations what a step holds
 */
record TrainBench(BenchModel model, LatentShape shape, int rank, Activations activations) {
  /**
   * What was measured.
   *
   * @param seconds of each step
   * @param cpuSeconds of all threads, a step
   * @param predictedSeconds of a step
   * @param peakBytes the process's largest resident set, 0 where the system does not say
   * @param predictedBytes of it: what it held before, activations, weights
   */
  record Result(
      List<Double> seconds,
      double cpuSeconds,
      double predictedSeconds,
      long peakBytes,
      long predictedBytes) {
    Result {
      seconds = List.copyOf(seconds);
    }

    double median() {
      List<Double> sorted = new ArrayList<>(seconds);
      Collections.sort(sorted);
      return sorted.get(sorted.size() / 2);
    }

    List<String> lines() {
      return List.of(
          String.format(
              Locale.ROOT,
              "step: %.3f s (median of %s; %.2f s of cores), predicted %.3f s, ratio %.2f",
              median(),
              seconds.stream().map(s -> String.format(Locale.ROOT, "%.2f", s)).toList(),
              cpuSeconds,
              predictedSeconds,
              median() / predictedSeconds),
          String.format(
              Locale.ROOT,
              "peak memory of the process: %.2f GB, predicted %.2f GB",
              peakBytes / 1e9,
              predictedBytes / 1e9));
    }
  }

  Result run(TorchEngine engine, int steps) {
    long before = HostMemory.residentBytes();
    String denoiser = model.model().description().denoiser();
    Component network = TrainingTarget.network(model.model(), denoiser);
    var injection =
        LoraInjection.inject(
            network.program(), LoraConfig.of(rank, rank, model.model().loraTargets()));
    TrainingTarget target =
        TrainingTarget.lora(
            injection, network.weights(), injection.freshParameters(0, network.weights()));
    var settings =
        new TrainingSettings(
            0,
            steps + 1,
            new Batches(1, 1),
            Descent.constant(1e-4),
            new Dropout(0, 0),
            activations);
    var times = new ArrayList<Double>();
    var cores = new ArrayList<Long>();
    var listener =
        new TrainingListener() {
          private long last = System.nanoTime();

          @Override
          public void stepped(TrainingProgress progress) {
            long now = System.nanoTime();
            times.add((now - last) / 1e9);
            cores.add(coreNanos());
            last = now;
          }
        };
    Trainer.train(TrainingRun.of(target, batch(denoiser), settings), engine, listener);
    long peak = HostMemory.peakBytes().orElse(0);
    TensorSource frozen = network.weights();
    var cost =
        new TrainingCostModel(
                injection.program(),
                (name, elements) -> frozen.find(name).map(TensorInfo::byteCount).orElse(0L),
                target.parameters().keySet())
            .price(
                NetworkInputs.shapes(
                    injection.program(), model.model().description().flow(), shape),
                activations.keptBytes(HostMemory::availableBytes));
    return new Result(
        times.subList(1, times.size()),
        (cores.get(steps) - cores.get(0)) / 1e9 / steps,
        Calibration.measure(engine).predictSeconds(cost.work()),
        peak,
        before + cost.activationBytes() + cost.weightBytes());
  }

  private FixedBatchTraining.Batch batch(String denoiser) {
    Latents noisy = noise(1);
    var inputs = new HashMap<String, Tensor>();
    StageGrid grid =
        StagePlan.of(
                StageConfig.vanilla(),
                Scheduler.fromConfig(model.model().description().scheduler()).schedule(),
                shape.grid())
            .stages()
            .get(0)
            .grid();
    inputs.putAll(NetworkInputs.step(noisy, List.of(500.0), grid));
    inputs.putAll(ConditionedNetwork.inputs(model.conditions(shape), denoiser, shape, grid));
    return FixedBatchTraining.Batch.of(
        Map.copyOf(inputs), NetworkInputs.tensor(noise(2)), new int[] {0});
  }

  private Latents noise(long seed) {
    var random = new Random(seed);
    float[] values = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Latents.of(shape, values);
  }

  private static long coreNanos() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
  }
}
