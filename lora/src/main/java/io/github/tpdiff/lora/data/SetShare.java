package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.OptionalDouble;

/**
 * How often the clips of one of several data sets are visited.
 *
 * @param repeats times that each clip counts in an epoch
 * @param weight the set's share of the visits of an epoch against the other sets' weights, however
 *     many clips it has; empty where repeats say it
 */
public record SetShare(int repeats, OptionalDouble weight) {
  /** Far above any use, far below what an epoch's order can hold. */
  private static final int MOST_REPEATS = 10_000;

  private static final double MOST_WEIGHT = 1e6;

  /**
   * @throws IllegalArgumentException if a number is out of range
   */
  public SetShare {
    checkArgument(
        repeats >= 1 && repeats <= MOST_REPEATS,
        "data.repeats: from 1 to %s, found %s",
        MOST_REPEATS,
        repeats);
    weight.ifPresent(
        share ->
            checkArgument(
                share > 0 && share <= MOST_WEIGHT,
                "data.weight: above 0, at most 1e6, found %s",
                share));
    checkArgument(
        weight.isEmpty() || repeats == 1,
        "data.repeats: a set has either repeats or a weight, found both");
  }

  /** Every clip once. */
  public static SetShare once() {
    return new SetShare(1, OptionalDouble.empty());
  }
}
