package io.github.tpdiff.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says what a path holds. */
@Command(
    name = "inspect",
    description = {
      "Says what a checkpoint, LoRA, cache or export is: family, layout, dtypes, sizes, what is"
          + " missing.",
      "Exits with 1 when tensors that the model needs are missing."
    },
    footer = {
      "  tpdiff inspect Wan2.1-T2V-1.3B-Diffusers",
      "  tpdiff inspect pytorch_lora_weights.safetensors",
      "  tpdiff inspect exported --json"
    })
final class InspectCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "PATH", description = "A folder or a file.")
  private Path path;

  @Mixin private PartOptions parts = new PartOptions();

  @Option(names = "--json", description = "Prints JSON.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    Map<String, Object> fields = Inspection.of(parts.at(path));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      TerminalWriter.printJson(out, fields);
    } else {
      InspectionText.print(out, fields);
    }
    out.flush();
    return Inspection.complete(fields) ? ExitCode.DONE : ExitCode.CHECK_FAILED;
  }
}
