package io.github.tpdiff.evaluation.metric;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.evaluation.metric.Bootstrap.Interval;
import io.github.tpdiff.evaluation.metric.EvaluationResult.DistanceResult;
import io.github.tpdiff.evaluation.metric.FrechetDistance.Covariance;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.ejml.data.DMatrixRMaj;

/**
 * The Fréchet distance of two sets of videos by the rows of an extractor.
 *
 * @param name in reports
 * @param features what makes the rows
 * @param note which network, which input, which windows
 */
public record FeatureDistance(String name, FeatureExtractor features, String note) {
  /** Drawn sets cost a decomposition each: so many times fewer of them than for means. */
  private static final int DEARER = 10;

  private static final int FEWEST = 20;

  /**
   * Computes it, and its interval by drawing whole videos with all their rows.
   *
   * @param generated rows of each video; those without rows do not count
   * @param real likewise
   */
  DistanceResult of(List<FeatureRows> generated, List<FeatureRows> real, Bootstrap bootstrap) {
    List<FeatureRows> some = generated.stream().filter(rows -> rows.rows() > 0).toList();
    List<FeatureRows> others = real.stream().filter(rows -> rows.rows() > 0).toList();
    checkArgument(
        !some.isEmpty() && !others.isEmpty(),
        "%s: expected rows of both sets, found none; are all videos shorter than a window?",
        name);
    FrechetDistance distance =
        FrechetDistance.of(matrix(some, all(some)), matrix(others, all(others)));
    boolean canBeDrawn = some.size() > 1 && others.size() > 1;
    return new DistanceResult(
        this,
        distance,
        canBeDrawn ? Optional.of(interval(some, others, distance, bootstrap)) : Optional.empty(),
        some.size(),
        others.size(),
        cautions(distance, canBeDrawn));
  }

  private static Interval interval(
      List<FeatureRows> generated,
      List<FeatureRows> real,
      FrechetDistance distance,
      Bootstrap bootstrap) {
    var random = new SplittableRandom(bootstrap.seed());
    var draws = new ArrayList<int[][]>();
    for (int i = 0; i < Math.max(FEWEST, bootstrap.resamples() / DEARER); i++) {
      draws.add(
          new int[][] {
            Bootstrap.draw(generated.size(), random), Bootstrap.draw(real.size(), random)
          });
    }
    double[] figures =
        draws.parallelStream()
            .mapToDouble(
                draw ->
                    FrechetDistance.of(matrix(generated, draw[0]), matrix(real, draw[1]))
                        .value(Covariance.UNBIASED))
            .toArray();
    return Bootstrap.around(distance.value(Covariance.UNBIASED), figures);
  }

  private static List<String> cautions(FrechetDistance distance, boolean canBeDrawn) {
    var cautions = new ArrayList<String>();
    if (distance.isMeanTermOnly()) {
      cautions.add("one row has no covariance: this is the mean term alone");
    } else if (distance.isRankDeficient()) {
      cautions.add(
          "%d and %d rows for %d dimensions: the covariances are not of full rank, and the distance is far above that of many videos; compare only figures of as many rows"
              .formatted(distance.first(), distance.second(), distance.dimensions()));
    }
    if (!canBeDrawn) {
      cautions.add("no interval: it takes two videos of each set");
    }
    return cautions;
  }

  private static int[] all(List<FeatureRows> videos) {
    return java.util.stream.IntStream.range(0, videos.size()).toArray();
  }

  /** The rows of some videos. */
  private static DMatrixRMaj matrix(List<FeatureRows> videos, int[] chosen) {
    int width = videos.get(0).width();
    int count = 0;
    for (int video : chosen) {
      count += videos.get(video).rows();
    }
    var matrix = new DMatrixRMaj(count, width);
    int at = 0;
    for (int video : chosen) {
      FeatureRows rows = videos.get(video);
      checkArgument(
          rows.width() == width,
          "features: expected %s numbers of every video, found %s",
          width,
          rows.width());
      for (float value : rows.values()) {
        matrix.data[at] = value;
        at++;
      }
    }
    return matrix;
  }
}
