package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * How often clips are visited in an epoch: the clips of one shape and one data set are a group, and
 * each group has the same number of visits in every epoch.
 *
 * <p>With repeats, a group has its clips times the set's repeats. With weights, an epoch has as
 * many visits as there are clips; each set gets its share of them, and within a set every group its
 * share by clips, both by largest remainders; a group that comes to less than one visit gets one,
 * so that no clip is left out for good.
 *
 * @param groups in the order in which their first clips come
 */
public record EpochVisits<S>(List<Group<S>> groups) {
  /**
   * Clips that are visited alike.
   *
   * @param shape of each
   * @param set that they are of
   * @param clips their numbers, in order
   * @param visits of all of them together in an epoch
   */
  public record Group<S>(S shape, int set, List<Integer> clips, int visits) {
    public Group {
      clips = List.copyOf(clips);
    }

    private Group<S> visited(long count) {
      return new Group<>(shape, set, clips, Math.toIntExact(count));
    }
  }

  public EpochVisits {
    groups = List.copyOf(groups);
  }

  /**
   * Of clips.
   *
   * @param shapes of each clip
   * @param sets the number of each clip's set
   * @param shares of the sets by number; all have a weight or none
   */
  public static <S> EpochVisits<S> of(List<S> shapes, List<Integer> sets, List<SetShare> shares) {
    checkArgument(shapes.size() == sets.size(), "clips: expected one set for each");
    requireAlike(shares);
    Map<Map.Entry<S, Integer>, List<Integer>> members = new LinkedHashMap<>();
    for (int i = 0; i < shapes.size(); i++) {
      members
          .computeIfAbsent(Map.entry(shapes.get(i), sets.get(i)), key -> new ArrayList<>())
          .add(i);
    }
    var groups = new ArrayList<Group<S>>();
    members.forEach(
        (key, clips) ->
            groups.add(
                new Group<>(
                    key.getKey(),
                    key.getValue(),
                    clips,
                    Math.multiplyExact(clips.size(), shares.get(key.getValue()).repeats()))));
    return new EpochVisits<>(
        shares.get(0).weight().isEmpty() ? groups : weighted(groups, shares, shapes.size()));
  }

  /**
   * Finds sets of which only some have a weight.
   *
   * @throws IllegalArgumentException if there are
   */
  public static void requireAlike(List<SetShare> shares) {
    long weighted = shares.stream().filter(share -> share.weight().isPresent()).count();
    checkArgument(
        weighted == 0 || weighted == shares.size(),
        "data.weight: expected one for each of %s sets, found %s; give all or none",
        shares.size(),
        weighted);
  }

  private static <S> List<Group<S>> weighted(
      List<Group<S>> groups, List<SetShare> shares, int clips) {
    // A set of which no clip is left has no share.
    List<Double> weights =
        IntStream.range(0, shares.size())
            .mapToObj(
                set ->
                    groups.stream().anyMatch(group -> group.set() == set)
                        ? shares.get(set).weight().orElseThrow()
                        : 0.0)
            .toList();
    List<Long> ofSets = apportioned(clips, weights);
    var visited = new ArrayList<>(groups);
    for (int set = 0; set < shares.size(); set++) {
      int own = set;
      int[] places =
          IntStream.range(0, groups.size()).filter(i -> groups.get(i).set() == own).toArray();
      List<Double> sizes =
          IntStream.of(places).mapToObj(i -> (double) groups.get(i).clips().size()).toList();
      List<Long> visits = apportioned(ofSets.get(set), sizes);
      for (int i = 0; i < places.length; i++) {
        visited.set(places[i], groups.get(places[i]).visited(Math.max(1, visits.get(i))));
      }
    }
    return visited;
  }

  /** Whole parts of a number in the proportion of weights, by largest remainders. */
  private static List<Long> apportioned(long number, List<Double> weights) {
    double sum = weights.stream().mapToDouble(Double::doubleValue).sum();
    var parts = new ArrayList<Long>();
    weights.forEach(weight -> parts.add((long) (number * weight / sum)));
    long left = number - parts.stream().mapToLong(Long::longValue).sum();
    IntStream.range(0, weights.size())
        .boxed()
        .sorted(Comparator.comparingDouble(i -> parts.get(i) - number * weights.get(i) / sum))
        .limit(left)
        .toList()
        .forEach(i -> parts.set(i, parts.get(i) + 1));
    return parts;
  }

  /** The visits of an epoch by shape, all sets together. */
  public Map<S, Integer> byShape() {
    var sums = new LinkedHashMap<S, Integer>();
    groups.forEach(group -> sums.merge(group.shape(), group.visits(), Integer::sum));
    return sums;
  }
}
