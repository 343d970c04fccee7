package io.github.tpdiff.cli;

import io.github.tpdiff.lora.data.DataManifest;
import io.github.tpdiff.lora.data.EpochBatches;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.data.Preparation.Prepared;
import io.github.tpdiff.lora.data.PreparationReport;
import io.github.tpdiff.lora.data.PreparationRequest;
import io.github.tpdiff.lora.data.SourceList;
import io.github.tpdiff.lora.data.SourceSet;
import io.github.tpdiff.lora.job.JobRuns;
import io.github.tpdiff.lora.job.PreparationCost;
import io.github.tpdiff.lora.job.ResolvedJob;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.runtime.cost.Calibration;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.VideoModel;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Videos and captions to cached latents and embeddings. */
@Command(
    name = "prepare",
    description = {
      "Encodes the videos, pictures and captions of a job once, into its cache.",
      "Says what became of each, and writes data_manifest.jsonl there, with a line for each clip.",
      "What is cached already is kept; training does the same where it is missing."
    },
    footer = "  tpdiff prepare job.yaml")
public final class PrepareCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "JOB", description = "A job file, such as job.yaml.")
  private Path file;

  @Mixin private EngineOptions engines = new EngineOptions();

  @Override
  public Integer call() {
    TrainingJob job = TrainingJob.read(file);
    try (VideoModel model = Families.open(job.model().request());
        Engine engine = engines.open()) {
      ResolvedJob resolved = JobRuns.of(job, model).get(0);
      PrintWriter out = spec.commandLine().getOut();
      predict(resolved, engine, out);
      prepare(resolved, engine, out, spec.commandLine().getErr());
    }
    return ExitCode.DONE;
  }

  /** Prints what smaller videos take beside the clips, of jobs whose stages aim at them. */
  private static void predict(ResolvedJob job, Engine engine, PrintWriter out) {
    PreparationRequest request = job.preparation();
    if (request.strides().isEmpty()) {
      return;
    }
    long most = 0;
    for (SourceSet set : request.sets()) {
      // Of extractions that take all there are, one: how many that is shows when they are cut.
      most +=
          (long) set.extraction().most().orElse(1) * SourceList.read(set.source()).videos().size();
    }
    PreparationCost.of(job, Calibration.measure(engine)).table(most).forEach(out::println);
    out.flush();
  }

  /** Prepares a job's data and prints the table. */
  static Prepared prepare(ResolvedJob job, Engine engine, PrintWriter out, PrintWriter err) {
    Prepared prepared;
    try (var progress = new ItemProgress("preparing", err)) {
      prepared =
          job.prepare(
              new ModelEncoders(job.model(), engine),
              (video, done, total) -> progress.reached(video.file(), done, total));
    }
    report(prepared, job, out);
    return prepared;
  }

  /** Prints what became of a job's data, and writes its manifest into the cache. */
  public static void report(Prepared prepared, ResolvedJob job, PrintWriter out) {
    TrainingJob.Data data = job.job().data();
    print(
        prepared.report(),
        prepared.clips().split(data.validation()).training().batches(batchSize(job)),
        job,
        out);
    DataManifest.of(prepared.clips(), data.validation()).write(data.cache());
  }

  /** Prints what would become of the data, and what of it is held out. */
  static void print(PreparationReport report, ResolvedJob job, PrintWriter out) {
    PreparationReport training = job.training(report);
    print(report, training.batches(batchSize(job), job.preparation().shares()), job, out);
    int heldOut = report.videos().size() - training.videos().size();
    if (heldOut > 0) {
      out.printf(
          Locale.ROOT,
          "held out to measure the loss on (data.validation), no part of an epoch: %d clips of %d of"
              + " the videos and pictures%n",
          report.clips() - training.clips(),
          heldOut);
    }
  }

  private static int batchSize(ResolvedJob job) {
    return job.job().train().settings().batches().size();
  }

  /** Of many clips some, and the file that has all; and what batches they come to. */
  private static void print(
      PreparationReport report, EpochBatches batches, ResolvedJob job, PrintWriter out) {
    report.table().forEach(out::println);
    report.writeList(job.job().data().cache()).ifPresent(file -> out.println("all: " + file));
    batches.table().forEach(out::println);
    out.flush();
  }
}
