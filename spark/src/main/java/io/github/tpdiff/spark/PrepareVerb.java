package io.github.tpdiff.spark;

import io.github.tpdiff.cli.EngineOptions;
import io.github.tpdiff.cli.ExitCode;
import io.github.tpdiff.cli.PrepareCommand;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.data.Preparation.Sources;
import io.github.tpdiff.lora.data.SharedPreparation;
import io.github.tpdiff.lora.data.SharedVideo;
import io.github.tpdiff.lora.job.JobRuns;
import io.github.tpdiff.lora.job.ResolvedJob;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.torch.TorchEngine;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Videos and captions to cached latents and embeddings, on all executors. */
@Command(
    name = "prepare",
    description = {
      "Encodes the videos, pictures and captions of a job on all executors, into its cache.",
      "The cache and its manifest are those of `tpdiff prepare`, byte for byte; what is cached"
          + " already is kept."
    },
    footer = "  spark-submit tpdiff-spark.jar prepare /shared/job.yaml")
final class PrepareVerb implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "JOB",
      description = "A job file, which all machines have at the same place.")
  private Path file;

  @Mixin private EngineOptions engines = new EngineOptions();

  @Override
  public Integer call() {
    TrainingJob job = TrainingJob.read(file);
    try (VideoModel model = Families.open(job.model().request());
        Cluster cluster = Cluster.open("tpdiff prepare " + file.getFileName())) {
      ResolvedJob resolved = JobRuns.of(job, model).get(0);
      PreparedFiles prepared = prepare(cluster, resolved, Verbs.arguments(spec));
      report(prepared, resolved, spec.commandLine().getOut());
    }
    return ExitCode.DONE;
  }

  /** Says what became of a job's data, and writes its manifest. */
  static void report(PreparedFiles prepared, ResolvedJob job, PrintWriter out) {
    // The driver's machine needs no GPU: nothing is encoded any more.
    try (Engine engine = TorchEngine.cpu()) {
      PrepareCommand.report(
          prepared.gather(job.preparation(), new ModelEncoders(job.model(), engine)), job, out);
    }
  }

  /**
   * Has executors prepare a job's data: clips first, then the captions of those that gave some.
   *
   * @param arguments of this verb, by which executors open the same job
   */
  static PreparedFiles prepare(Cluster cluster, ResolvedJob job, List<String> arguments) {
    job.requireData();
    Sources sources = Sources.read(job.preparation());
    List<String> files = sources.files().stream().map(FileItem::of).map(FileItem::json).toList();
    List<String> videos =
        cluster.make(
            "clips: %d videos and pictures to latents".formatted(files.size()),
            Task.of(Task.Kind.CLIPS, arguments),
            files);
    List<String> texts =
        SharedPreparation.texts(
            job.preparation(), sources, videos.stream().map(SharedVideo::parse).toList());
    cluster.make(
        "captions: %d texts to embeddings".formatted(texts.size()),
        Task.of(Task.Kind.CAPTIONS, arguments),
        texts);
    return new PreparedFiles(files, sources.notes(), videos);
  }

  private static PrepareVerb parse(List<String> arguments) {
    return Verbs.parse(new PrepareVerb(), arguments);
  }

  static Workshop openClips(List<String> arguments) {
    return parse(arguments)
        .open((shared, item) -> shared.make(FileItem.parse(item).source()).json());
  }

  static Workshop openCaptions(List<String> arguments) {
    return parse(arguments)
        .open(
            (shared, text) -> {
              shared.encode(List.of(text));
              return "";
            });
  }

  private Workshop open(BiFunction<SharedPreparation, String, String> work) {
    TrainingJob job = TrainingJob.read(file);
    VideoModel model = Families.open(job.model().request());
    Engine engine = engines.open();
    var shared =
        new SharedPreparation(
            JobRuns.of(job, model).get(0).preparation(), new ModelEncoders(model, engine));
    return new Workshop() {
      @Override
      public String make(String item) {
        return work.apply(shared, item);
      }

      @Override
      public void close() {
        shared.close();
        engine.close();
        model.close();
      }
    };
  }
}
