package io.github.tpdiff.conformance.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** What sampling a clip took on one engine, round by round: vanilla and every plan side by side. */
final class Rounds {
  private final List<Double> vanilla = new ArrayList<>();
  private final List<List<Double>> plans = new ArrayList<>();

  /**
   * Adds a round.
   *
   * @param seconds of vanilla sampling
   * @param staged seconds of each plan
   */
  void add(double seconds, List<Double> staged) {
    vanilla.add(seconds);
    plans.add(List.copyOf(staged));
  }

  /** Seconds of vanilla sampling, the median. */
  double vanilla() {
    return median(vanilla);
  }

  /** Seconds of a plan, the median. */
  double staged(int plan) {
    return median(plans.stream().map(round -> round.get(plan)).toList());
  }

  /** Vanilla over staged in the same round, the median: what slows a whole round cancels. */
  double speedUp(int plan) {
    return median(
        IntStream.range(0, vanilla.size())
            .mapToObj(i -> vanilla.get(i) / plans.get(i).get(plan))
            .toList());
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1
        ? sorted[middle]
        : Arrays.stream(sorted, middle - 1, middle + 1).average().orElse(0);
  }
}
