package io.github.tpdiff.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
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
      print(out, "", fields);
    }
    out.flush();
    return Inspection.complete(fields) ? ExitCode.DONE : ExitCode.CHECK_FAILED;
  }

  private static void print(PrintWriter out, String indent, Map<?, ?> fields) {
    int width = fields.keySet().stream().mapToInt(key -> key.toString().length()).max().orElse(0);
    fields.forEach(
        (key, value) -> {
          if (value instanceof Map<?, ?> nested && !nested.isEmpty()) {
            out.println(indent + key);
            print(out, indent + "  ", nested);
          } else if (value instanceof List<?> list && list.size() > 8) {
            out.printf(
                "%s%-" + width + "s  %s … %d in all%n",
                indent,
                key,
                list.subList(0, 8),
                list.size());
          } else {
            out.printf("%s%-" + width + "s  %s%n", indent, key, value);
          }
        });
  }
}
