package io.github.tpdiff.cli;

import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.data.Preparation;
import io.github.tpdiff.lora.data.Preparation.Prepared;
import io.github.tpdiff.lora.job.DryRun;
import io.github.tpdiff.lora.job.ResolvedJob;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.lora.train.FolderLock;
import io.github.tpdiff.lora.train.NonFiniteException;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingOutcome;
import io.github.tpdiff.lora.train.TrainingProgress;
import io.github.tpdiff.lora.train.TrainingRun;
import io.github.tpdiff.runtime.cost.Calibration;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.torch.Arithmetic;
import io.github.tpdiff.runtime.torch.TorchEngine;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Trains what a job file says. */
@Command(
    name = "train",
    description = {
      "Trains a LoRA with phased diffusion as a job file says.",
      "Ctrl-C saves the state; --resume goes on from the newest one, bit for bit."
    },
    footer = {
      "  tpdiff train job.yaml --dry-run",
      "  tpdiff train job.yaml",
      "  tpdiff train job.yaml --resume --device cuda --compute bf16"
    })
final class TrainCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "JOB",
      description = "A job file, such as job.yaml; job-keys lists what it may say.")
  private Path file;

  @Option(
      names = "--dry-run",
      description =
          "Says what would become of every clip, predicts frames, tokens, time and peak memory per"
              + " stage, and trains nothing.")
  private boolean dryRun;

  @Option(names = "--resume", description = "Goes on from the newest state in the output folder.")
  private boolean resume;

  @Option(
      names = "--device",
      defaultValue = "auto",
      description = "auto, cpu or cuda (default ${DEFAULT-VALUE}).")
  private OnnxDevice device = OnnxDevice.AUTO;

  @Mixin private ComputeOption compute = new ComputeOption();

  @Override
  public Integer call() {
    TrainingJob job = TrainingJob.read(file);
    PrintWriter out = spec.commandLine().getOut();
    try (VideoModel model = Families.open(job.model().request())) {
      ResolvedJob resolved = ResolvedJob.of(job, model);
      try (TorchEngine engine = EngineOptions.openTorch(device).computing(compute.arithmetic())) {
        out.println("engine: " + engine.description());
        out.flush();
        if (dryRun) {
          var encoders = new ModelEncoders(resolved.model(), engine);
          PrepareCommand.print(Preparation.survey(resolved.preparation(), encoders), resolved, out);
          DryRun.of(resolved, Calibration.measure(engine)).table().forEach(out::println);
          out.flush();
          return ExitCode.DONE;
        }
        var start = resume ? TrainingRun.Start.RESUME : TrainingRun.Start.FRESH;
        FolderLock held = resolved.takeFolder(start);
        try {
          Prepared prepared = PrepareCommand.prepare(resolved, inFp32(engine), spec);
          return train(resolved, resolved.run(prepared.clips(), start), engine, held);
        } finally {
          held.close();
        }
      }
    }
  }

  /** Cached latents, embeddings and pictures do not depend on how the denoiser is computed. */
  private static TorchEngine inFp32(TorchEngine engine) {
    return engine.computing(Arithmetic.FP32);
  }

  private int train(ResolvedJob job, TrainingRun run, TorchEngine engine, FolderLock held) {
    PrintWriter out = spec.commandLine().getOut();
    try (var stop = StopRequest.open();
        var meter =
            ProgressMeter.start("training", run.settings().steps(), spec.commandLine().getErr())) {
      TrainingOutcome outcome =
          Trainer.train(
              run, engine, new Reporter(stop, meter, out, new Samples(job, inFp32(engine))), held);
      out.printf(
          "%s at step %d: %s%n",
          outcome.end() == TrainingOutcome.End.FINISHED
              ? "finished"
              : "stopped, go on with --resume,",
          outcome.step(),
          job.job().output().folder());
    } catch (NonFiniteException diverged) {
      PrintWriter err = spec.commandLine().getErr();
      err.println("tpdiff: " + diverged.getMessage());
      err.flush();
      return ExitCode.CHECK_FAILED;
    } finally {
      out.flush();
    }
    return ExitCode.DONE;
  }

  /** Writes what is sampled on the way; the decoder is loaded for one video at a time. */
  private record Samples(ResolvedJob job, TorchEngine engine) {
    Path write(int step, int prompt, Latents latents) {
      Path file =
          job.job()
              .output()
              .folder()
              .resolve(String.format(Locale.ROOT, "samples/step-%08d-%d.mp4", step, prompt));
      try (var parts = PipelineParts.of(job.model(), engine)) {
        VideoWriter.write(
            file,
            new GeneratedVideo(
                parts, latents, job.sampleSize().fps(), GenerationListener.silent()));
        return file;
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }
  }

  private record Reporter(StopRequest stop, ProgressMeter meter, PrintWriter out, Samples samples)
      implements TrainingListener {
    @Override
    public void stepped(TrainingProgress progress) {
      meter.reached(
          progress.step(),
          String.format(
              Locale.ROOT,
              "loss %s, %.2f steps/s, rate %.2g",
              byStage(progress.smoothedLosses()),
              progress.stepsPerSecond(),
              progress.learningRate()));
    }

    /** Such as {@code 3: 0.4210, 2: 0.3911, 1: 0.2904}; one stage needs no number. */
    private static String byStage(Map<Integer, Double> losses) {
      return losses.entrySet().stream()
          .map(
              stage ->
                  (losses.size() == 1 && losses.containsKey(1) ? "" : stage.getKey() + ": ")
                      + String.format(Locale.ROOT, "%.4f", stage.getValue()))
          .collect(Collectors.joining(", "));
    }

    @Override
    public void resumed(Path state, List<String> damaged) {
      damaged.forEach(line -> out.println("passed over: " + line));
      out.println("going on from " + state);
      out.flush();
    }

    @Override
    public void validated(int step, Map<Integer, Double> losses) {
      out.printf("validation at step %d%nstage    loss%n", step);
      losses.forEach((stage, loss) -> out.printf(Locale.ROOT, "%5d  %.4f%n", stage, loss));
      out.flush();
    }

    @Override
    public void sampled(int step, int prompt, Latents latents) {
      out.println("sampled " + samples.write(step, prompt, latents));
      out.flush();
    }

    @Override
    public void saved(Path folder) {
      out.println("saved " + folder);
      out.flush();
    }

    @Override
    public boolean stopAsked() {
      return stop.isAsked();
    }
  }
}
