package io.github.tpdiff.spark;

import io.github.tpdiff.cli.EvaluateCommand;
import io.github.tpdiff.cli.EvaluateCommand.SetVideo;
import io.github.tpdiff.cli.Tpdiff;
import io.github.tpdiff.evaluation.metric.Evaluation;
import io.github.tpdiff.evaluation.metric.Metrics;
import io.github.tpdiff.lora.data.Preparation.Source;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Measures videos whose features all executors extract. */
@Command(
    name = "evaluate",
    description = {
      "Measures as `tpdiff evaluate` does, with features that all executors extract into the cache;"
          + " figures are the same.",
      "All machines have videos, networks and the cache at the same places."
    },
    footer = "  spark-submit tpdiff-spark.jar evaluate /shared/made --out /shared/evaluation")
final class EvaluateVerb implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private EvaluateCommand command = new EvaluateCommand();

  @Override
  public Integer call() {
    List<String> arguments = Verbs.arguments(spec);
    List<String> videos = command.videos().stream().map(EvaluateVerb::item).toList();
    try (Cluster cluster = Cluster.open("tpdiff evaluate")) {
      cluster.make(
          "features: %d videos".formatted(videos.size()),
          Task.of(Task.Kind.FEATURES, arguments),
          videos);
    }
    CommandLine own = spec.commandLine();
    return Tpdiff.execute(
        Tpdiff.asTpdiff(new CommandLine(new EvaluateCommand()), own.getOut(), own.getErr()),
        arguments.toArray(String[]::new));
  }

  /** Of the generated set, 0, or the real one, 1. */
  private static String item(SetVideo video) {
    return FileItem.of(new Source(video.video(), video.isGenerated() ? 0 : 1)).json();
  }

  static Workshop open(List<String> arguments) {
    EvaluateCommand command = Verbs.parse(new EvaluateVerb(), arguments).command;
    Metrics metrics = command.openMetrics();
    Evaluation evaluation = command.evaluation(metrics);
    return new Workshop() {
      @Override
      public String make(String item) {
        FileItem file = FileItem.parse(item);
        try {
          evaluation.extract(file.source().video(), file.set() == 0);
          return "";
        } catch (IOException unreadable) {
          return String.valueOf(unreadable.getMessage()); // the driver finds it too, and says so
        }
      }

      @Override
      public void close() {
        metrics.close();
      }
    };
  }
}
