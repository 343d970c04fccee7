package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Points of sampling that are given one by one, as other tools take {@code sigmas} or {@code
 * timesteps}: one falling list for all stages, or one for each in sampling order.
 *
 * @param lists one, or as many as there are stages; those of a stage may be empty
 */
public record NoiseLevels(List<List<Double>> lists) {
  private static final int MOST_LISTS = 9;
  private static final int MOST_VALUES = 10_000;

  /**
   * @throws IllegalArgumentException if there are none, or a list does not fall
   */
  public NoiseLevels {
    lists = lists.stream().map(List::copyOf).toList();
    checkArgument(
        !lists.isEmpty() && lists.size() <= MOST_LISTS,
        "expected from 1 to %s lists, found %s",
        MOST_LISTS,
        lists.size());
    int values = lists.stream().mapToInt(List::size).sum();
    checkArgument(
        values >= 1 && values <= MOST_VALUES,
        "expected from 1 to %s values, found %s",
        MOST_VALUES,
        values);
    lists.forEach(NoiseLevels::requireFalling);
  }

  private static void requireFalling(List<Double> list) {
    double above = Double.POSITIVE_INFINITY;
    for (double value : list) {
      checkArgument(
          value >= 0 && value < above,
          "expected values of at least 0 that fall, found %s after %s in %s",
          value,
          above,
          list);
      above = value;
    }
  }

  /** The same values for all stages together. */
  public static NoiseLevels of(List<Double> values) {
    return new NoiseLevels(List.of(values));
  }

  /**
   * What a text says: values between commas, lists between slashes, such as {@code 1,0.94/0.8/0.6}.
   *
   * @throws IllegalArgumentException if it says something else
   */
  public static NoiseLevels parse(String text) {
    try {
      return new NoiseLevels(Arrays.stream(text.split("/", -1)).map(NoiseLevels::values).toList());
    } catch (NumberFormatException noNumber) {
      throw new IllegalArgumentException(
          "expected numbers such as 1,0.94,0.8, or 1,0.94/0.8/0.6 for three stages, found '%s'"
              .formatted(text.length() <= 60 ? text : text.substring(0, 60) + "…"),
          noNumber);
    }
  }

  private static List<Double> values(String list) {
    return list.isBlank()
        ? List.of()
        : Arrays.stream(list.split(",", -1)).map(String::strip).map(Double::valueOf).toList();
  }

  /** As {@link #parse} reads it. */
  @Override
  public String toString() {
    return lists.stream()
        .map(list -> list.stream().map(String::valueOf).collect(Collectors.joining(",")))
        .collect(Collectors.joining("/"));
  }
}
