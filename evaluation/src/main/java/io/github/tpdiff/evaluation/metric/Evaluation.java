package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.evaluation.metric.Bootstrap.Interval;
import io.github.tpdiff.evaluation.metric.EvaluationResult.DistanceResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.LeftOut;
import io.github.tpdiff.evaluation.metric.EvaluationResult.MeasureResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.SetResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.VideoResult;
import io.github.tpdiff.evaluation.metric.Measure.ClipValue;
import io.github.tpdiff.lora.data.SourceVideo;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Measures sets of videos. Memory: a frame or window of one video, and the numbers of all of them
 * that distances take. What a killed run has computed is in the cache.
 *
 * @param measures of each video
 * @param measured in which sets
 * @param distances between the sets
 * @param cache where features lie
 * @param bootstrap for the intervals
 * @param damaged what becomes of videos that cannot be read
 */
public record Evaluation(
    List<Measure> measures,
    Measured measured,
    List<FeatureDistance> distances,
    FeatureCache cache,
    Bootstrap bootstrap,
    Damaged damaged) {
  /** Which videos are measured by themselves. */
  public enum Measured {
    GENERATED,
    /** The real ones too: what a perfect generator would come to. */
    ALL
  }

  /** What becomes of videos that cannot be read. */
  public enum Damaged {
    /** They are left out, and named. */
    LEFT_OUT,
    /** The first ends the evaluation. */
    REFUSED
  }

  /** Is told of each video. */
  @FunctionalInterface
  public interface Progress {
    /**
     * Called after each.
     *
     * @param total videos of all sets
     */
    void reached(Path video, int done, int total);
  }

  public Evaluation {
    measures = List.copyOf(measures);
    distances = List.copyOf(distances);
  }

  /**
   * Measures.
   *
   * @param real what the generated are compared with; empty for measures alone
   * @throws CheckpointException if no video of a set can be read, or a network fails or says NaN,
   *     naming the video
   */
  public EvaluationResult run(VideoSet generated, Optional<VideoSet> real, Progress progress) {
    int total = generated.videos().size() + real.map(set -> set.videos().size()).orElse(0);
    var read = new Reading(progress, total);
    Scanned own = read.scan(generated, measures);
    Optional<Scanned> other =
        real.map(set -> read.scan(set, measured == Measured.ALL ? measures : List.<Measure>of()));
    var sets = new ArrayList<SetResult>();
    sets.add(own.result());
    other.ifPresent(scanned -> sets.add(scanned.result()));
    var found = new ArrayList<DistanceResult>();
    other.ifPresent(
        scanned ->
            distances.forEach(
                distance ->
                    found.add(distance.of(own.rows(distance), scanned.rows(distance), bootstrap))));
    return new EvaluationResult(sets, found, bootstrap, SetCautions.of(sets, found));
  }

  /**
   * Puts into the cache what is measured of a video, where it is not: so that several machines can
   * share the reading, and {@link #run} then finds everything.
   *
   * @param isGenerated or real
   * @throws IOException if it cannot be read
   */
  public void extract(SourceVideo video, boolean isGenerated) throws IOException {
    scan(isGenerated || measured == Measured.ALL ? measures : List.of()).read(video);
  }

  private VideoScan scan(List<Measure> wanted) {
    return VideoScan.of(
        Stream.concat(
                wanted.stream().flatMap(measure -> measure.needs().stream()),
                distances.stream().map(FeatureDistance::features))
            .toList(),
        cache);
  }

  /** A set that was read. */
  private record Scanned(SetResult result, Map<String, List<FeatureRows>> rows) {
    List<FeatureRows> rows(FeatureDistance distance) {
      return Objects.requireNonNull(rows.get(distance.features().identity()));
    }
  }

  private final class Reading {
    private final Progress progress;
    private final int total;
    private int done;

    Reading(Progress progress, int total) {
      this.progress = progress;
      this.total = total;
    }

    Scanned scan(VideoSet set, List<Measure> wanted) {
      VideoScan scan = Evaluation.this.scan(wanted);
      var videos = new ArrayList<VideoResult>();
      var leftOut = new ArrayList<LeftOut>();
      var rows = new LinkedHashMap<String, List<FeatureRows>>();
      distances.forEach(each -> rows.put(each.features().identity(), new ArrayList<>()));
      for (SourceVideo video : set.videos()) {
        try {
          MeasuredVideo measured = scan.read(video);
          videos.add(result(measured, wanted));
          rows.forEach((identity, all) -> all.add(measured.rows().get(identity)));
        } catch (IOException unreadable) {
          leftOut.add(leftOut(video.file(), unreadable));
        }
        done++;
        progress.reached(video.file(), done, total);
      }
      if (videos.isEmpty()) {
        throw new CheckpointException(
            "%s: expected videos, found none of %d that can be read, such as %s"
                .formatted(set.source(), leftOut.size(), leftOut.get(0).reason()));
      }
      List<MeasureResult> results =
          wanted.stream().map(measure -> Evaluation.this.result(measure, videos)).toList();
      return new Scanned(new SetResult(set, videos, leftOut, results), rows);
    }

    private LeftOut leftOut(Path file, IOException unreadable) {
      String reason = String.valueOf(unreadable.getMessage());
      if (damaged == Damaged.REFUSED) {
        throw new CheckpointException(reason, unreadable);
      }
      return new LeftOut(file, reason);
    }
  }

  private static VideoResult result(MeasuredVideo video, List<Measure> measures) {
    var values = new LinkedHashMap<String, ClipValue>();
    for (Measure measure : measures) {
      measure.of(video).ifPresent(value -> values.put(measure.name(), value));
    }
    return new VideoResult(video.file(), video.sha256(), video.caption(), video.facts(), values);
  }

  private MeasureResult result(Measure measure, List<VideoResult> videos) {
    List<ClipValue> values =
        videos.stream()
            .flatMap(video -> Optional.ofNullable(video.values().get(measure.name())).stream())
            .toList();
    Optional<Interval> interval =
        values.size() < 2
            ? Optional.empty()
            : Optional.of(
                bootstrap.percentiles(values.size(), chosen -> weightedMean(values, chosen)));
    Optional<Double> value =
        values.isEmpty()
            ? Optional.empty()
            : Optional.of(
                weightedMean(values, java.util.stream.IntStream.range(0, values.size()).toArray()));
    return new MeasureResult(measure, value, interval, values.size());
  }

  private static double weightedMean(List<ClipValue> values, int[] chosen) {
    double sum = 0;
    double weight = 0;
    for (int i : chosen) {
      ClipValue value = values.get(i);
      sum += value.value() * value.weight();
      weight += value.weight();
    }
    return sum / weight;
  }
}
