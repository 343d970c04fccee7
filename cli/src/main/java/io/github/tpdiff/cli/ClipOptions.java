package io.github.tpdiff.cli;

import io.github.tpdiff.lora.data.LatentSample;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlanner;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Boundaries;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Candidate;
import io.github.tpdiff.runtime.diffusion.TemporalSpectrum;
import io.github.tpdiff.runtime.pipeline.Sampling;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/** Stages chosen from a user's own clips, as options. */
final class ClipOptions {
  /** As many as the paper uses; with a fourth its scores were lower. */
  private static final int MOST_STAGES = 3;

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
          "Information that a boundary between stages may lose, for each latent frame, channel and"
              + " pixel (default ${DEFAULT-VALUE}).")
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

  boolean isGiven() {
    return clips.isPresent();
  }

  /** The clips, as latents of the given number of frames. */
  LatentSample sample(ModelEncoders encoders, VideoSize size, PrintWriter progress) {
    Path source = clips.orElseThrow();
    int frames = encoders.model().description().latents().latentFrames(size.frames());
    if (LatentSample.isPrepared(source)) {
      return LatentSample.prepared(source, frames, most);
    }
    try (var meter = new VideoProgress("encoding", progress)) {
      return LatentSample.encode(
          new LatentSample.Request(source, size, most), encoders, meter::reached);
    }
  }

  /** What was weighed, and what came of it. */
  record Weighed(StagePlanner planner, List<Candidate> candidates) {
    Candidate chosen() {
      return planner.choose(candidates);
    }
  }

  /**
   * Weighs every pyramid that the clips' length and the number of steps allow.
   *
   * @param cost of a configuration, of vanilla's
   */
  Weighed weigh(
      TemporalSpectrum spectrum,
      Sampling sampling,
      FrameResampling resampling,
      ToDoubleFunction<StageConfig> cost) {
    var planner = new StagePlanner(sampling.scheduler().schedule(), spectrum, budget);
    int stages = Math.min(MOST_STAGES, sampling.steps());
    return new Weighed(planner, planner.candidates(stages, resampling, boundaries, cost));
  }

  /** A line for each candidate, and why one of them was chosen. */
  void print(LatentSample sample, Weighed weighed, PrintWriter out) {
    TemporalSpectrum spectrum = weighed.planner().spectrum();
    out.printf(
        Locale.ROOT,
        "%d clips of %d videos, %d latent frames; of their power%s %.1f %% is faster than every 2nd"
            + " frame shows, %.1f %% faster than every 4th%n",
        sample.clips().size(),
        sample.videos(),
        spectrum.frames(),
        spectrum.given() > 0 ? " without the first, which a picture gives," : "",
        100 * spectrum.powerLost(2),
        100 * spectrum.powerLost(4));
    out.println("stages  rates  boundaries    nats lost at them  FLOPs of vanilla");
    for (Candidate candidate : weighed.candidates()) {
      out.printf(
          Locale.ROOT,
          "%6d  %-5s  %-12s  %17s  %16.2f%s%n",
          candidate.stages().stages(),
          rates(candidate.stages(), ","),
          words(candidate.starts(), "%.2f"),
          words(candidate.lost(), "%.4f"),
          candidate.cost(),
          candidate.equals(weighed.chosen()) ? "  chosen" : "");
    }
    out.printf(
        Locale.ROOT,
        "chosen is the cheapest that loses at most %s nats at every boundary (--budget). That is all"
            + " that is weighed: how well a network learns is not%n",
        budget);
    out.println(
        boundaries == Boundaries.SCHEDULE
            ? "boundaries are equal parts of the checkpoint's schedule, which trained better than"
                + " those of the spectrum in a small experiment (--boundaries-from spectrum)"
            : "boundaries of the spectrum trained worse than equal parts of the schedule in a small"
                + " experiment: compare before relying on them");
    out.println("as options: " + options(weighed.chosen().stages()));
    out.println("in a job:   " + job(weighed.chosen().stages()));
    out.flush();
  }

  private static String words(List<? extends Number> values, String format) {
    return values.isEmpty()
        ? "-"
        : values.stream()
            .map(value -> String.format(Locale.ROOT, format, value))
            .collect(Collectors.joining(","));
  }

  private static String rates(StageConfig stages, String between) {
    return stages.stages() == 1
        ? "-"
        : stages.rates().stream().map(RatesOption::text).collect(Collectors.joining(between));
  }

  private static String options(StageConfig stages) {
    if (stages.stages() == 1) {
      return "--stages 1";
    }
    var options = new StringBuilder("--rates ").append(rates(stages, ","));
    if (!stages.boundaries().isEmpty()) {
      options.append(" --boundaries ").append(words(stages.boundaries(), "%.4f"));
    }
    if (!stages.stepSplit().isEmpty()) {
      options.append(" --split ").append(words(stages.stepSplit(), "%d").replace(',', '-'));
    }
    return options.toString();
  }

  /** Where training is concerned, steps are not split: every stage is visited alike. */
  private static String job(StageConfig stages) {
    return stages.stages() == 1
        ? "stages: {count: 1}"
        : "stages: {rates: %s%s}"
            .formatted(
                stages.rates(),
                stages.boundaries().isEmpty()
                    ? ""
                    : ", boundaries: [%s]"
                        .formatted(words(stages.boundaries(), "%.4f").replace(",", ", ")));
  }
}
