package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.pipeline.VideoModel;
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
  PipelineDescription of(PipelineDescription description) {
    return name.map(description::withScheduler).orElse(description);
  }

  /** The model as chosen, which the caller goes on owning. */
  VideoModel of(VideoModel model) {
    return name.map(model::withScheduler).orElse(model);
  }
}
