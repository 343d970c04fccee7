package io.github.tpdiff.cli;

import com.google.common.base.Suppliers;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.data.PreparationReport;
import io.github.tpdiff.lora.job.DryRun;
import io.github.tpdiff.lora.job.JobRuns;
import io.github.tpdiff.lora.job.PreparationCost;
import io.github.tpdiff.lora.job.ResolvedJob;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.lora.train.NonFiniteException;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingOutcome;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.cost.Calibration;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.torch.TorchEngine;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
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
          "Says what would become of every clip, predicts latents, tokens, time and peak memory per"
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
      List<ResolvedJob> runs = JobRuns.of(job, model);
      try (TorchEngine engine = EngineOptions.openTorch(device).computing(compute.arithmetic())) {
        out.println("engine: " + engine.description());
        out.flush();
        if (dryRun) {
          survey(runs, engine);
          return ExitCode.DONE;
        }
        return train(job, runs, engine);
      }
    }
  }

  private void survey(List<ResolvedJob> runs, TorchEngine engine) {
    PrintWriter out = spec.commandLine().getOut();
    ResolvedJob first = runs.get(0);
    var encoders = new ModelEncoders(first.model(), engine);
    PreparationReport found = first.survey(encoders);
    PrepareCommand.print(found, first, out);
    out.flush();
    var batches =
        first
            .training(found)
            .batches(first.job().train().settings().batches().size(), first.preparation().shares());
    Supplier<Machine> machine = Suppliers.memoize(() -> Calibration.measure(engine));
    List<DryRun> tried =
        runs.stream().map(run -> DryRun.tried(run, engine, machine, batches)).toList();
    PreparationCost.of(first, machine.get()).table(found.clips()).forEach(out::println);
    tried.forEach(dry -> dry.table().forEach(out::println));
    out.flush();
  }

  private int train(TrainingJob job, List<ResolvedJob> runs, TorchEngine engine) {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    try {
      TrainingOutcome outcome =
          new JobTraining(engine, out, err)
              .run(runs, resume ? Start.RESUME : Start.FRESH, new TrainingListener() {});
      out.printf(
          "%s at step %d: %s%n",
          outcome.end() == TrainingOutcome.End.FINISHED
              ? "finished"
              : "stopped, go on with --resume,",
          outcome.step(),
          job.output().folder());
    } catch (NonFiniteException diverged) {
      err.println("tpdiff: " + diverged.getMessage());
      err.flush();
      return ExitCode.CHECK_FAILED;
    } finally {
      out.flush();
    }
    return ExitCode.DONE;
  }
}
