package io.github.tpdiff.cli;

import io.github.tpdiff.evaluation.experiment.Experiment;
import io.github.tpdiff.evaluation.experiment.ExperimentHost;
import io.github.tpdiff.evaluation.experiment.PlanFile;
import io.github.tpdiff.lora.job.JobRuns;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingOutcome;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.torch.TorchEngine;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Compares ways to train. */
@Command(
    name = "experiment",
    description = {
      "Spends one budget of computing on several ways to train, from one checkpoint on one data set,"
          + " and reports what quality each comes to, and how much one saves over another.",
      "Without a plan it lists those that come with it. Stopped at any time, it goes on where it"
          + " was; arms and seeds may be added to a plan, and its budget raised."
    },
    footer = {
      "  tpdiff experiment",
      "  tpdiff experiment training-speed.minutes -o speed",
      "  tpdiff experiment training-speed.hours --print",
      "  tpdiff experiment plan.yaml -o speed"
    })
final class ExperimentCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "PLAN",
      description = "A plan file, or the name of one that comes with it.")
  private Optional<String> name = Optional.empty();

  @Option(
      names = {"-o", "--out"},
      defaultValue = "experiment",
      paramLabel = "DIR",
      description = "Folder for everything it makes (default ${DEFAULT-VALUE}).")
  private Path out;

  @Option(names = "--print", description = "Prints a plan that comes with it, and does nothing.")
  private boolean print;

  @Option(
      names = "--dry-run",
      description =
          "Draws the clips, makes the checkpoints, finds what is wrong with the plan and says how"
              + " far each arm would go; trains nothing.")
  private boolean dryRun;

  @Option(
      names = "--device",
      defaultValue = "auto",
      description = "auto, cpu or cuda (default ${DEFAULT-VALUE}).")
  private OnnxDevice device = OnnxDevice.AUTO;

  @Mixin private ComputeOption compute = new ComputeOption();

  @Override
  public Integer call() throws IOException {
    PrintWriter lines = spec.commandLine().getOut();
    if (name.isEmpty()) {
      PlanFile.names().forEach(lines::println);
      lines.flush();
      return ExitCode.DONE;
    }
    if (print) {
      lines.print(PlanFile.text(name.get()));
      lines.flush();
      return ExitCode.DONE;
    }
    Path file = Path.of(name.get());
    PlanFile plan = Files.exists(file) ? PlanFile.read(file) : PlanFile.ready(name.get());
    try (TorchEngine engine = EngineOptions.openTorch(device).computing(compute.arithmetic())) {
      lines.println("engine: " + engine.description());
      var host = new Host(engine, lines, spec.commandLine().getErr());
      var experiment = new Experiment(plan, out, host);
      if (dryRun) {
        experiment.dryRun().forEach(lines::println);
        return ExitCode.DONE;
      }
      lines.println(
          experiment.run()
              ? "done: open " + out.resolve("report.html")
              : "stopped; the same command goes on");
    } finally {
      lines.flush();
    }
    return ExitCode.DONE;
  }

  /** Trains as {@code tpdiff train} does, without its lines. */
  private record Host(TorchEngine engine, PrintWriter lines, PrintWriter progress)
      implements ExperimentHost {
    @Override
    public VideoModel open(ModelRequest request) {
      return Families.open(request);
    }

    @Override
    public TrainingOutcome train(TrainingJob job, TrainingListener watcher) {
      var silent = new PrintWriter(Writer.nullWriter());
      try (VideoModel model = open(job.model().request())) {
        return new JobTraining(engine, silent, progress)
            .run(JobRuns.of(job, model), Start.RESUME, watcher);
      }
    }

    @Override
    public PipelineParts parts(VideoModel model) {
      return PipelineParts.of(model, engine);
    }

    @Override
    public void tell(String line) {
      lines.println(line);
      lines.flush();
    }
  }
}
