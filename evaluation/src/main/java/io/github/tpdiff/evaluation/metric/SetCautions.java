package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.evaluation.metric.EvaluationResult.DistanceResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.MeasureResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.SetResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.VideoResult;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What makes the figures of an evaluation hard to compare, in lines. */
final class SetCautions {
  /** Of sizes and rates, the most frequent. */
  private static final int NAMED = 4;

  private SetCautions() {}

  static List<String> of(List<SetResult> sets, List<DistanceResult> distances) {
    var cautions = new ArrayList<String>();
    for (SetResult set : sets) {
      leftOut(set, cautions);
      unmeasured(set, cautions);
    }
    inBoth(sets, cautions);
    if (differ(sets, video -> video.facts().size())) {
      cautions.add(
          "sizes differ: "
              + counted(sets, video -> video.facts().size())
              + "; networks see them resized");
    }
    if (differ(sets, video -> video.facts().rate())) {
      cautions.add(
          "frames per second differ: "
              + counted(sets, video -> video.facts().rate())
              + "; windows take frames as they come unless --fps names one rate for all");
    }
    for (DistanceResult distance : distances) {
      tooShort(distance, sets, cautions);
    }
    return cautions;
  }

  private static void leftOut(SetResult set, List<String> cautions) {
    if (!set.leftOut().isEmpty()) {
      cautions.add(
          "%s: %d of %d videos could not be read and are left out, such as %s"
              .formatted(
                  set.set().name(),
                  set.leftOut().size(),
                  set.set().videos().size(),
                  set.leftOut().get(0).reason()));
    }
    Set<String> hashes = new HashSet<>();
    long copies = set.videos().stream().filter(video -> !hashes.add(video.sha256())).count();
    if (copies > 0) {
      cautions.add(
          "%s: %d videos are copies of others, byte for byte; they count again"
              .formatted(set.set().name(), copies));
    }
  }

  private static void inBoth(List<SetResult> sets, List<String> cautions) {
    if (sets.size() < 2) {
      return;
    }
    Set<String> others =
        sets.get(1).videos().stream().map(VideoResult::sha256).collect(Collectors.toSet());
    long both =
        sets.get(0).videos().stream().filter(video -> others.contains(video.sha256())).count();
    if (both > 0) {
      cautions.add(
          "%d %s videos are also among the %s, byte for byte"
              .formatted(both, sets.get(0).set().name(), sets.get(1).set().name()));
    }
  }

  private static void unmeasured(SetResult set, List<String> cautions) {
    for (MeasureResult measure : set.measures()) {
      int without = set.videos().size() - measure.videos();
      if (without > 0) {
        cautions.add(
            "%s: %d of %d videos have no value, as they have too few frames or no caption"
                .formatted(measure.measure().name(), without, set.videos().size()));
      }
    }
  }

  private static void tooShort(
      DistanceResult distance, List<SetResult> sets, List<String> cautions) {
    int[] counted = {distance.generated(), distance.real()};
    for (int i = 0; i < counted.length; i++) {
      int without = sets.get(i).videos().size() - counted[i];
      if (without > 0) {
        cautions.add(
            "%s: %d of %d %s videos are shorter than a window and do not count"
                .formatted(
                    distance.of().name(),
                    without,
                    sets.get(i).videos().size(),
                    sets.get(i).set().name()));
      }
    }
  }

  private static boolean differ(List<SetResult> sets, Function<VideoResult, String> fact) {
    return sets.stream().flatMap(set -> set.videos().stream()).map(fact).distinct().count() > 1;
  }

  private static String counted(List<SetResult> sets, Function<VideoResult, String> fact) {
    return sets.stream()
        .map(set -> set.set().name() + " " + counted(set, fact))
        .collect(Collectors.joining(", "));
  }

  private static String counted(SetResult set, Function<VideoResult, String> fact) {
    List<Map.Entry<String, Long>> counts =
        set.videos().stream()
            .collect(Collectors.groupingBy(fact, Collectors.counting()))
            .entrySet()
            .stream()
            .sorted(
                Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                    .thenComparing(Map.Entry.comparingByKey()))
            .toList();
    String named =
        counts.stream()
            .limit(NAMED)
            .map(count -> "%s (%d)".formatted(count.getKey(), count.getValue()))
            .collect(Collectors.joining(" "));
    return counts.size() > NAMED ? named + " and others" : named;
  }
}
