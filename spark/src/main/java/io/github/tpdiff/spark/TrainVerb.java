package io.github.tpdiff.spark;

import com.google.common.io.BaseEncoding;
import io.github.tpdiff.cli.ComputeOption;
import io.github.tpdiff.cli.ExitCode;
import io.github.tpdiff.lora.job.JobRuns;
import io.github.tpdiff.lora.job.ResolvedJob;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.lora.train.StateFolder;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.spark.ring.Wire;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.SparkException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Trains what a job file says, the batches of a step on as many executors. */
@Command(
    name = "train",
    description = {
      "Trains as `tpdiff train` does, on as many executors as the job's train.batches_at_once says:"
          + " each makes its share of a step's batches, and gradients are averaged between them.",
      "A lost executor is made up for, and training goes on from the newest state."
    },
    footer = "  spark-submit tpdiff-spark.jar train /shared/job.yaml --wire bf16")
final class TrainVerb implements Callable<Integer> {
  private static final int SECRET_BYTES = 32;
  private static final int MOST_FRUITLESS = 4;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "JOB",
      description = "A job file, which all machines have at the same place.")
  private Path file;

  @Option(names = "--resume", description = "Goes on from the newest state in the output folder.")
  private boolean resume;

  @Option(
      names = "--device",
      defaultValue = "auto",
      description = "auto, cpu or cuda (default ${DEFAULT-VALUE}).")
  private OnnxDevice device = OnnxDevice.AUTO;

  @Option(
      names = "--wire",
      defaultValue = "fp32",
      description =
          "fp32, or bf16 for gradients that travel in half the bytes, rounded before every hop"
              + " (default ${DEFAULT-VALUE}).")
  private Wire wire = Wire.FP32;

  @Mixin private ComputeOption compute = new ComputeOption();

  OnnxDevice device() {
    return device;
  }

  Wire wire() {
    return wire;
  }

  ComputeOption compute() {
    return compute;
  }

  /** The job as this machine has it. */
  TrainingJob job() {
    return TrainingJob.read(file);
  }

  @Override
  public Integer call() {
    TrainingJob job = job();
    try (VideoModel model = Families.open(job.model().request());
        Cluster cluster = Cluster.open("tpdiff train " + file.getFileName())) {
      List<ResolvedJob> runs = JobRuns.of(job, model);
      // Another training that has the folder, or states that are not to go on, are found now.
      runs.forEach(run -> run.takeFolder(resume ? Start.RESUME : Start.FRESH).close());
      PreparedFiles prepared =
          PrepareVerb.prepare(
              cluster,
              runs.get(0),
              List.of(file.toString(), "--device", device.name().toLowerCase(Locale.ROOT)));
      PrepareVerb.report(prepared, runs.get(0), spec.commandLine().getOut());
      var secret = new byte[SECRET_BYTES];
      new SecureRandom().nextBytes(secret);
      var work =
          new RankTask(
              Verbs.arguments(spec),
              Build.id(),
              BaseEncoding.base16().encode(secret),
              cluster.context().broadcast(prepared));
      List<Answer> answers = train(cluster, work, job);
      Cluster.results(answers).stream()
          .filter(line -> !line.isEmpty())
          .forEach(spec.commandLine().getOut()::println);
      spec.commandLine().getOut().flush();
    }
    return ExitCode.DONE;
  }

  /**
   * Trains, again from the newest state whenever an executor is lost: Spark begins no barrier stage
   * again that has results. Without a new state between losses it gives up.
   */
  private List<Answer> train(Cluster cluster, RankTask work, TrainingJob job) {
    int ranks = job.train().settings().batches().atOnce();
    String stage =
        "train: %d steps on %d executors".formatted(job.train().settings().steps(), ranks);
    int fruitless = 0;
    while (true) {
      Set<Path> before = states(job);
      try {
        return cluster.named(stage, () -> work.run(cluster.context(), ranks));
      } catch (CheckpointException lost) {
        fruitless = states(job).equals(before) ? fruitless + 1 : 0;
        if (!(lost.getCause() instanceof SparkException) || fruitless == MOST_FRUITLESS) {
          throw lost;
        }
        spec.commandLine().getErr().println("going on after: " + lost.getMessage());
        spec.commandLine().getErr().flush();
      }
    }
  }

  /** Folders of states, of all runs of the job. */
  private static Set<Path> states(TrainingJob job) {
    Path folder = job.output().folder();
    if (!Files.isDirectory(folder)) {
      return Set.of();
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> file.endsWith(StateFolder.STATE))
          .collect(Collectors.toUnmodifiableSet());
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
