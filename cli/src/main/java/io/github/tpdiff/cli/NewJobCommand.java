package io.github.tpdiff.cli;

import io.github.tpdiff.lora.job.JobProposal;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.AtomicFile;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a job file to start from. */
@Command(
    name = "new-job",
    description = {
      "Writes a job file that suits a checkpoint and a folder of videos, each key with what it"
          + " means.",
      "Sizes and stages are those that the model and the videos can take."
    },
    footer = {
      "  tpdiff new-job checkpoint clips",
      "  tpdiff new-job sd15 clips.csv --part motion_adapter=mm.ckpt -o motion.yaml"
    })
final class NewJobCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "A checkpoint: a folder as published, or a file of several networks.")
  private Path checkpoint;

  @Parameters(
      index = "1",
      paramLabel = "CLIPS",
      description = "A folder of videos, each with its caption in a .txt beside it, or a list.")
  private Path clips;

  @Option(
      names = {"-o", "--out"},
      defaultValue = "job.yaml",
      description = "The job file to write (default ${DEFAULT-VALUE}).")
  private Path out;

  @Mixin private PartOptions parts = new PartOptions();

  @Override
  public Integer call() {
    if (Files.exists(out)) {
      throw new IllegalArgumentException("--out: expected a new file, found " + out);
    }
    ModelRequest request = parts.at(checkpoint);
    try (VideoModel model = Families.open(request)) {
      JobProposal.Proposed job = new JobProposal(out, request, clips).propose(model);
      AtomicFile.write(out, job.text().getBytes(StandardCharsets.UTF_8));
      PrintWriter lines = spec.commandLine().getOut();
      lines.printf("wrote %s: %s%n", out, job.summary());
      lines.printf("next: tpdiff train %s --dry-run%n", out);
      lines.flush();
    }
    return ExitCode.DONE;
  }
}
