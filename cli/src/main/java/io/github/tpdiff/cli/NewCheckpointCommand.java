package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.NearestName;
import io.github.tpdiff.weights.WritablePlace;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a checkpoint with made-up weights. */
@Command(
    name = "new-checkpoint",
    description = {
      "Writes a checkpoint with made-up weights in the published layout, to try, time and price"
          + " things before anything is downloaded.",
      "Without arguments it lists the sizes there are."
    },
    footer = {
      "  tpdiff new-checkpoint",
      "  tpdiff new-checkpoint wan-tiny checkpoint",
      "  tpdiff new-checkpoint wan-14b large --components transformer"
    })
final class NewCheckpointCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "NAME",
      defaultValue = "",
      description = "Such as wan-tiny.")
  private String name;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "TO",
      defaultValue = "",
      description = "The folder to write; new or empty.")
  private Path to;

  @Option(
      names = "--dtype",
      defaultValue = "BF16",
      description = "F32, F16 or BF16 (default ${DEFAULT-VALUE}).")
  private DType dtype;

  @Option(
      names = "--components",
      split = ",",
      paramLabel = "NAME",
      description = "Such as transformer,vae (default: the template's own choice).")
  private List<String> components = List.of();

  @Override
  public Integer call() {
    Map<String, CheckpointTemplate> templates = new TreeMap<>();
    ModelFamily.all().forEach(family -> templates.putAll(family.templates()));
    PrintWriter out = spec.commandLine().getOut();
    if (name.isEmpty()) {
      templates.forEach((key, template) -> out.printf("%-12s %s%n", key, template.description()));
      out.flush();
      return ExitCode.DONE;
    }
    CheckpointTemplate template = templates.get(name);
    if (template == null) {
      throw new IllegalArgumentException(
          "NAME: expected one of %s, found '%s'%s"
              .formatted(
                  templates.keySet(),
                  name,
                  NearestName.of(name, templates.keySet())
                      .map(near -> "; did you mean " + near + "?")
                      .orElse("")));
    }
    if (to.toString().isEmpty()) {
      throw new IllegalArgumentException("TO: expected a folder to write, found none");
    }
    WritablePlace.requireNewFolder(to);
    List<String> chosen = components.isEmpty() ? template.defaultComponents() : components;
    try (var progress = new Written(spec.commandLine().getErr())) {
      template.write(new CheckpointTemplate.Order(to, dtype, chosen, progress));
    }
    out.printf("wrote %s: %s, %s%n", to, chosen, dtype);
    out.flush();
    return ExitCode.DONE;
  }

  /** Progress in megabytes. */
  private static final class Written implements CheckpointTemplate.Progress, AutoCloseable {
    private final PrintWriter lines;
    private Optional<ProgressMeter> meter = Optional.empty();

    Written(PrintWriter lines) {
      this.lines = lines;
    }

    @Override
    public void written(long bytes, long total) {
      if (meter.isEmpty()) {
        meter = Optional.of(ProgressMeter.start("writing", total >> 20, lines));
      }
      meter.get().reached(bytes >> 20, "MB");
    }

    @Override
    public void close() {
      meter.ifPresent(ProgressMeter::close);
    }
  }
}
