package io.github.tpdiff.cli.demo;

import io.github.tpdiff.cli.ProgressMeter;
import io.github.tpdiff.lora.LoraConfig;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.lora.optim.AdamW;
import io.github.tpdiff.lora.optim.LearningRate;
import io.github.tpdiff.lora.optim.LearningRate.Decay;
import io.github.tpdiff.lora.train.PhasedDiffusion;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingProgress;
import io.github.tpdiff.lora.train.TrainingRun;
import io.github.tpdiff.lora.train.TrainingSettings;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.LossWeighting;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StageWeights;
import io.github.tpdiff.runtime.diffusion.TimeRange;
import io.github.tpdiff.runtime.diffusion.TimestepSampling;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraWriter;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The demo's two trainings, by the same trainer: the whole denoiser without stages, then a LoRA on
 * it with them.
 *
 * @param clips to train on
 * @param engine that trains
 * @param size how much
 * @param progress where lines go
 */
record DemoTraining(TrainingSet clips, TrainingEngine engine, DemoSize size, PrintWriter progress) {
  private static final int BATCH = 4;

  /** Until steps take the time they will take. */
  private static final int PRACTICE_STEPS = 5;

  private static final int PROBE_STEPS = 8;
  private static final int RANK = 16;
  private static final int WARM_UP = 30;

  /** A shorter memory of squares than torch's default: there are only hundreds of steps. */
  private static final AdamW.Settings QUICK = new AdamW.Settings(0.9, 0.99, 1e-8, 0);

  private static final double CONVOLUTION_RATE = 2e-3;

  /** After 1200 steps samples are half as far from the clips as with 2e-3, and with 1e-2 worse. */
  private static final double TRANSFORMER_RATE = 5e-3;

  /** Towards noise, where it is decided what is where. */
  private static final TimestepSampling NOISY = TimestepSampling.uniform().shifted(3);

  private static final double LORA_RATE = 2e-3;

  /**
   * Trains every weight of the denoiser and writes them over the files they came from.
   *
   * @param model closed by the caller before the file is read again
   */
  LossCurve pretrain(VideoModel model) {
    Component network = TrainingTarget.network(model);
    var target = TrainingTarget.weights(network, List.of(new ModulePattern("**")));
    var curve = new LossCurve("vanilla pretraining, all weights");
    train(
        target,
        new PhasedDiffusion(
            StageConfig.vanilla(),
            schedule(model),
            StageWeights.uniform(1),
            NOISY,
            Alignment.none(),
            LossWeighting.uniform(),
            TimeRange.all()),
        new Course(size.pretraining(), pretrainingRate(model)),
        curve);
    try (TensorSource trained = target.weights()) {
      filesOf(network)
          .forEach(
              (file, names) ->
                  SafetensorsWriter.write(
                      file, trained.renamed(name -> Optional.of(name).filter(names::contains))));
    }
    return curve;
  }

  /** Trains a LoRA with phased diffusion and writes it in diffusers' form. */
  LossCurve trainLora(VideoModel model, StageConfig stages, Path file) {
    Component network = TrainingTarget.network(model);
    var injection =
        LoraInjection.inject(network.program(), LoraConfig.of(RANK, RANK, model.loraTargets()));
    var target = TrainingTarget.lora(injection, network.weights(), injection.freshParameters(1));
    var curve = new LossCurve("phased LoRA training");
    var diffusion = PhasedDiffusion.of(stages, schedule(model)).withAlignment(Alignment.window(12));
    var outcome = train(target, diffusion, new Course(size.lora(), LORA_RATE), curve);
    LoraWriter.write(
        file,
        injection.toWeights(
            model.description().denoiser(),
            outcome,
            Map.of(
                RecordJson.STAGES_HEADER,
                RecordJson.STAGES.format(StagePlan.fixed(stages, diffusion.schedule())))),
        LoraFormat.DIFFUSERS,
        DType.F32);
    return curve;
  }

  private static double pretrainingRate(VideoModel model) {
    return model.description().denoiser().equals("transformer")
        ? TRANSFORMER_RATE
        : CONVOLUTION_RATE;
  }

  private static NoiseSchedule schedule(VideoModel model) {
    return Scheduler.fromConfig(model.description().scheduler()).schedule();
  }

  /** The tensors of the network by the file they are in. */
  private static Map<Path, Set<String>> filesOf(Component network) {
    var files = new LinkedHashMap<Path, Set<String>>();
    for (String name : network.weights().names()) {
      Path file = network.weights().region(name).orElseThrow().file();
      files.computeIfAbsent(file, f -> new HashSet<>()).add(name);
    }
    return files;
  }

  private record Course(DemoSize.Effort effort, double rate) {
    TrainingSettings settings(int steps) {
      return new TrainingSettings(
          1,
          steps,
          new TrainingSettings.Batches(BATCH, 1),
          new TrainingSettings.Descent(
              QUICK,
              new LearningRate(rate, Math.min(WARM_UP, steps), Decay.COSINE, steps),
              OptionalDouble.of(1)),
          0.1,
          Activations.KEPT);
    }
  }

  /** A few steps to see how long one takes, then as many as fit the time. */
  private Map<String, Parameter> train(
      TrainingTarget target, PhasedDiffusion diffusion, Course course, LossCurve curve) {
    run(target, diffusion, course.settings(PRACTICE_STEPS), p -> {});
    long began = System.nanoTime();
    run(target, diffusion, course.settings(PROBE_STEPS), p -> {});
    int steps = course.effort().steps((System.nanoTime() - began) * 1e-9 / PROBE_STEPS);
    try (var meter = ProgressMeter.start("training", steps, progress)) {
      return run(
          target,
          diffusion,
          course.settings(steps),
          step -> {
            curve.add(step);
            meter.reached(step.step(), "loss %.4f".formatted(curve.last()));
          });
    }
  }

  private Map<String, Parameter> run(
      TrainingTarget target,
      PhasedDiffusion diffusion,
      TrainingSettings settings,
      Consumer<TrainingProgress> each) {
    var listener =
        new TrainingListener() {
          @Override
          public void stepped(TrainingProgress step) {
            each.accept(step);
          }
        };
    return Trainer.train(TrainingRun.inMemory(target, clips, diffusion, settings), engine, listener)
        .parameters();
  }
}
