package io.github.tpdiff.cli;

import io.github.tpdiff.lora.data.LatentSample;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Boundaries;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Stages chosen from a user's own clips, as options. */
final class ClipOptions {
  @Option(
      names = "--clips",
      paramLabel = "CLIPS",
      description =
          "Videos to choose the stages for: a folder or a list, or a job's cache of prepared clips."
              + " Some are encoded, to see how much of them changes how fast; captions are not"
              + " needed. Default: the stages are those of the options.")
  private Optional<Path> clips = Optional.empty();

  @Option(
      names = "--most-clips",
      defaultValue = "16",
      description = "Clips that are looked at, one a video (default ${DEFAULT-VALUE}).")
  private int most = 16;

  @Option(
      names = "--budget",
      paramLabel = "NATS",
      defaultValue = "0.01",
      description =
          "Information that a boundary between stages may lose, for each latent frame, channel, row"
              + " and column (default ${DEFAULT-VALUE}).")
  private double budget = 0.01;

  @Option(
      names = "--boundaries-from",
      defaultValue = "schedule",
      completionCandidates = WordOption.OfBoundaries.class,
      converter = WordOption.OfBoundaries.class,
      description =
          "Where stages chosen from clips begin: ${COMPLETION-CANDIDATES}, at equal parts of the"
              + " checkpoint's own schedule or where each takes the budget (default"
              + " ${DEFAULT-VALUE}).")
  private Boundaries boundaries = Boundaries.SCHEDULE;

  @Option(
      names = "--probe",
      description =
          "Runs the checkpoint on some of the clips: its loss in each stage, and which positions it"
              + " should be told there. Of the stages that options say; else of the cheapest within"
              + " the budget over time, over space and over both, until one is within --excess.")
  private boolean probe;

  @Option(
      names = "--excess",
      paramLabel = "TIMES",
      defaultValue = "3",
      description =
          "How many times the checkpoint's own loss that of a stage may be before training, where a"
              + " probe chooses (default ${DEFAULT-VALUE}).")
  private double excess = 3;

  boolean isGiven() {
    return clips.isPresent();
  }

  boolean isProbe() {
    return probe;
  }

  double budget() {
    return budget;
  }

  double excess() {
    return excess;
  }

  Boundaries boundaries() {
    return boundaries;
  }

  /**
   * Checks that the options go together.
   *
   * @param said whether options say the stages
   */
  void require(boolean said) {
    if (probe && clips.isEmpty()) {
      throw new IllegalArgumentException("--probe: expected clips to run it on, with --clips");
    }
    if (clips.isPresent() && said && !probe) {
      throw new IllegalArgumentException(
          "--clips: chooses the stages; leave out --stages and what else says them, or add --probe"
              + " to see what the checkpoint knows of those");
    }
    if (!(excess >= 1)) {
      throw new IllegalArgumentException("--excess: at least 1, found " + excess);
    }
  }

  /**
   * The clips, as latents.
   *
   * @param size of each
   * @param plan of the stages in which a probe asks about them
   */
  LatentSample sample(
      ModelEncoders encoders, VideoSize size, StagePlan plan, PrintWriter progress) {
    Path source = clips.orElseThrow();
    if (LatentSample.isPrepared(source)) {
      return LatentSample.prepared(source, plan.grid(), most);
    }
    var use = probe ? LatentSample.Use.asked(plan) : LatentSample.Use.measured();
    try (var meter = new ItemProgress("encoding", progress)) {
      return LatentSample.encode(
          new LatentSample.Request(source, size, most, use), encoders, meter::reached);
    }
  }
}
