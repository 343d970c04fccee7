package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.evaluation.metric.Bootstrap.Interval;
import io.github.tpdiff.evaluation.metric.Measure.ClipValue;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What came of an evaluation.
 *
 * @param sets the generated videos, and the real ones if there are
 * @param distances between the two sets
 * @param bootstrap how intervals were found
 * @param cautions lines on what makes figures hard to compare
 */
public record EvaluationResult(
    List<SetResult> sets,
    List<DistanceResult> distances,
    Bootstrap bootstrap,
    List<String> cautions) {
  public EvaluationResult {
    sets = List.copyOf(sets);
    distances = List.copyOf(distances);
    cautions = List.copyOf(cautions);
  }

  /**
   * A set of videos.
   *
   * @param videos that were read, in order
   * @param leftOut those that could not be
   * @param measures of the set
   */
  public record SetResult(
      VideoSet set, List<VideoResult> videos, List<LeftOut> leftOut, List<MeasureResult> measures) {
    public SetResult {
      videos = List.copyOf(videos);
      leftOut = List.copyOf(leftOut);
      measures = List.copyOf(measures);
    }
  }

  /**
   * A video.
   *
   * @param sha256 of the file
   * @param values by name of the measure; what has none is missing
   */
  public record VideoResult(
      Path file,
      String sha256,
      Optional<String> caption,
      VideoFacts facts,
      Map<String, ClipValue> values) {}

  /** A video that could not be read, and why. */
  public record LeftOut(Path file, String reason) {}

  /**
   * A measure of a set.
   *
   * @param value the weighted mean; empty where no video has a value
   * @param interval of 95 %; empty for fewer than two videos
   * @param videos that have a value
   */
  public record MeasureResult(
      Measure measure, Optional<Double> value, Optional<Interval> interval, int videos) {}

  /**
   * A distance.
   *
   * @param interval of 95 % around the unbiased value; empty for fewer than two videos of a set
   * @param generated videos with rows
   * @param real videos with rows
   * @param cautions lines to be read with the figure
   */
  public record DistanceResult(
      FeatureDistance of,
      FrechetDistance distance,
      Optional<Interval> interval,
      int generated,
      int real,
      List<String> cautions) {
    public DistanceResult {
      cautions = List.copyOf(cautions);
    }
  }
}
