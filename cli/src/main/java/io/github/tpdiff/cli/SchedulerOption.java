package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.Optional;
import picocli.CommandLine.Option;

/** A choice between the schedulers that a model is run with. */
final class SchedulerOption {
  @Option(
      names = "--scheduler",
      paramLabel = "NAME",
      description =
          "Noise schedule and solver: one of the model's, which inspect lists. Default: the"
              + " checkpoint's own.")
  private Optional<String> name = Optional.empty();

  /** The description as chosen. */
  ModelDescription of(ModelDescription description) {
    return name.map(description::withScheduler).orElse(description);
  }

  /** The name, if one was chosen. */
  Optional<String> name() {
    return name;
  }
}
