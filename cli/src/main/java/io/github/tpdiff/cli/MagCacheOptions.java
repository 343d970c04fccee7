package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.MagCache;
import io.github.tpdiff.runtime.diffusion.PredictionReuse.OfStage;
import io.github.tpdiff.runtime.pipeline.MagCacheChoice;
import io.github.tpdiff.runtime.pipeline.PlannedVideo;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/** When predictions are taken from earlier steps, as options. */
final class MagCacheOptions {
  @Option(
      names = "--magcache-threshold",
      paramLabel = "ERROR",
      description =
          "How far predictions that are left out one after the other may be off, by the"
              + " calibration (default 0.15).")
  private Optional<Double> threshold = Optional.empty();

  @Option(
      names = "--magcache-skips",
      paramLabel = "K",
      description = "How many may be left out one after the other (default 3).")
  private Optional<Integer> mostInARow = Optional.empty();

  @Option(
      names = "--magcache-retention",
      paramLabel = "SHARE",
      description = "Share of all steps, the first ones, that are computed (default 0.2).")
  private Optional<Double> retention = Optional.empty();

  /** The choice of a calibration. */
  MagCacheChoice of(Path file) {
    return new MagCacheChoice(file, threshold, mostInARow, retention);
  }

  /** Says what was left out of a video, if anything might have been. */
  static void print(PrintWriter out, PlannedVideo video) {
    if (video.reuse().isPresent() && video.reuse().get() instanceof MagCache cache) {
      print(out, video, cache);
    }
  }

  private static void print(PrintWriter out, PlannedVideo video, MagCache cache) {
    List<MagCache.Skipped> skipped = cache.skipped();
    for (int i = 0; i < video.sampler().steps().size(); i++) {
      int stage = video.sampler().steps().size() - i;
      int steps = video.sampler().steps().get(i).size();
      String conditional = steps(skipped, stage, OfStage.CONDITIONAL);
      String unconditional = steps(skipped, stage, OfStage.UNCONDITIONAL);
      out.printf(
          "magcache: stage %d of %d steps left out %s%s%n",
          stage,
          steps,
          conditional,
          unconditional.equals("none") || unconditional.equals(conditional)
              ? ""
              : ", without the prompt " + unconditional);
    }
    out.flush();
  }

  private static String steps(List<MagCache.Skipped> skipped, int stage, int branch) {
    String steps =
        skipped.stream()
            .filter(own -> own.stage() == stage && own.branch() == branch)
            .map(own -> String.valueOf(own.step()))
            .collect(Collectors.joining(", "));
    return steps.isEmpty() ? "none" : steps;
  }
}
