package io.github.tpdiff.cli;

import io.github.tpdiff.evaluation.metric.Bootstrap;
import io.github.tpdiff.evaluation.metric.Bootstrap.Interval;
import io.github.tpdiff.evaluation.metric.Evaluation;
import io.github.tpdiff.evaluation.metric.Evaluation.Damaged;
import io.github.tpdiff.evaluation.metric.Evaluation.Measured;
import io.github.tpdiff.evaluation.metric.EvaluationReport;
import io.github.tpdiff.evaluation.metric.EvaluationResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.MeasureResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.SetResult;
import io.github.tpdiff.evaluation.metric.FeatureCache;
import io.github.tpdiff.evaluation.metric.FrechetDistance.Covariance;
import io.github.tpdiff.evaluation.metric.Metrics;
import io.github.tpdiff.evaluation.metric.VideoSet;
import io.github.tpdiff.evaluation.metric.VideoSet.Captions;
import io.github.tpdiff.lora.data.SourceVideo;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.weights.NativeFolder;
import io.github.tpdiff.weights.WritablePlace;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures videos. */
@Command(
    name = "evaluate",
    description = {
      "Measures videos: how far they are from real ones, and each by itself.",
      "What is measured depends on the networks that are given as TorchScript or ONNX files; temporal"
          + " flickering needs none. Names are VBench's where it has them. Features are kept by"
          + " content, so a stopped run goes on where it was. Writes evaluation.json and"
          + " evaluation.html."
    },
    footer = {
      "  tpdiff evaluate made",
      "  tpdiff evaluate made --real real --i3d i3d_torchscript.pt",
      "  tpdiff evaluate made --real real --features net.onnx --window 16",
      "  tpdiff evaluate made --clip-image i.pt --clip-text t.pt --clip-tokenizer clip"
    })
public final class EvaluateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "VIDEOS",
      description = "A folder of videos, or a list of them: .csv, .jsonl or .json.")
  private Path generated;

  @Option(
      names = "--real",
      paramLabel = "VIDEOS",
      description = "What they are compared with, likewise (default: nothing).")
  private Optional<Path> real = Optional.empty();

  @Option(
      names = "--measure-real",
      description = "Measures the real videos by themselves too, as what can be reached.")
  private boolean measureReal;

  @Option(
      names = "--captions",
      paramLabel = "WHERE",
      completionCandidates = WordOption.OfCaptions.class,
      converter = WordOption.OfCaptions.class,
      defaultValue = "beside",
      description =
          "Where the videos' captions are: ${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE})."
              + " Beside them in texts or the list; or the files' names, as in 'a red ball-0.mp4'.")
  private Captions captions = Captions.BESIDE;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FOLDER",
      defaultValue = "evaluation",
      description = "Where both files go (default ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--cache",
      paramLabel = "FOLDER",
      description = "Where features are kept (default: features in --out).")
  private Optional<Path> cache = Optional.empty();

  @Option(
      names = "--resamples",
      paramLabel = "NUMBER",
      defaultValue = "1000",
      description = "Draws for each interval; of distances a tenth (default ${DEFAULT-VALUE}).")
  private int resamples;

  @Option(
      names = "--seed",
      defaultValue = "0",
      description = "Of these draws (default ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--strict",
      description =
          "The first video that cannot be read ends it; else such are left out and named.")
  private boolean strict;

  @Option(
      names = "--device",
      defaultValue = "auto",
      description = "auto, cpu or cuda; auto takes CUDA where it works (default ${DEFAULT-VALUE}).")
  private OnnxDevice device = OnnxDevice.AUTO;

  @Mixin private MetricFileOptions networks = new MetricFileOptions();

  /** A video of one of the sets. */
  public record SetVideo(SourceVideo video, boolean isGenerated) {}

  /** The videos of both sets, checked like all that the options say. */
  public List<SetVideo> videos() {
    check();
    var all = new ArrayList<SetVideo>();
    own().videos().forEach(video -> all.add(new SetVideo(video, true)));
    other().ifPresent(set -> set.videos().forEach(video -> all.add(new SetVideo(video, false))));
    return all;
  }

  private VideoSet own() {
    return VideoSet.read("generated", generated, captions);
  }

  private Optional<VideoSet> other() {
    return real.map(source -> VideoSet.read("real", source, captions));
  }

  private void check() {
    if (networks.isDistance() ? real.isEmpty() : real.isPresent() && !measureReal) {
      throw new IllegalArgumentException(
          real.isPresent()
              ? "--real: expected --i3d or --features to compare by, found neither"
              : "--i3d, --features: expected --real to compare with, found nothing");
    }
    WritablePlace.requireFolder(out);
    NativeFolder.ffmpeg().require();
  }

  /** The networks that the options name; the caller closes them. */
  public Metrics openMetrics() {
    return Metrics.of(networks.files(), networks.choice(), new NetworkOpener(device));
  }

  /** What is measured by them. */
  public Evaluation evaluation(Metrics metrics) {
    return new Evaluation(
        metrics.measures(),
        measureReal ? Measured.ALL : Measured.GENERATED,
        metrics.distances(),
        new FeatureCache(cache.orElse(out.resolve("features"))),
        new Bootstrap(resamples, seed),
        strict ? Damaged.REFUSED : Damaged.LEFT_OUT);
  }

  @Override
  public Integer call() {
    check();
    VideoSet own = own();
    Optional<VideoSet> other = other();
    PrintWriter err = spec.commandLine().getErr();
    EvaluationResult result;
    try (Metrics metrics = openMetrics();
        var progress = new ItemProgress("evaluate", err)) {
      result = evaluation(metrics).run(own, other, progress::reached);
      new EvaluationReport(result).write(out);
    }
    print(result);
    result.cautions().forEach(line -> err.println("tpdiff: caution: " + line));
    err.flush();
    return ExitCode.DONE;
  }

  private void print(EvaluationResult result) {
    PrintWriter lines = spec.commandLine().getOut();
    result
        .distances()
        .forEach(
            distance -> {
              lines.printf(
                  Locale.ROOT,
                  "%-24s %s, %.4f with covariances by N%n",
                  distance.of().name(),
                  figure(distance.distance().value(Covariance.UNBIASED), distance.interval()),
                  distance.distance().value(Covariance.POPULATION));
              distance.cautions().forEach(line -> lines.println("  " + line));
            });
    result
        .sets()
        .forEach(set -> set.measures().forEach(measure -> lines.println(line(set, measure))));
    lines.println("wrote " + out.resolve(EvaluationReport.HTML_FILE));
    lines.flush();
  }

  private static String line(SetResult set, MeasureResult measure) {
    return "%-24s %s%s"
        .formatted(
            measure.measure().name(),
            measure.value().map(value -> figure(value, measure.interval())).orElse("no value"),
            measure.videos() == set.set().videos().size()
                ? ", " + set.set().name()
                : ", %d of %d %s"
                    .formatted(measure.videos(), set.set().videos().size(), set.set().name()));
  }

  private static String figure(double value, Optional<Interval> interval) {
    return String.format(Locale.ROOT, "%.4f", value)
        + interval
            .map(i -> String.format(Locale.ROOT, " (%.4f to %.4f)", i.low(), i.high()))
            .orElse("");
  }
}
