package io.github.tpdiff.cli;

import java.util.Arrays;
import java.util.List;

/** Shares of the steps on the command line, coarsest stage first: {@code 1-1-2}. */
public final class SharesOption {
  private SharesOption() {}

  /**
   * The shares that a text says.
   *
   * @throws IllegalArgumentException if it says none, naming the option
   */
  public static List<Integer> parse(String text) {
    try {
      return Arrays.stream(text.split("-", -1)).map(Integer::valueOf).toList();
    } catch (NumberFormatException notNumbers) {
      throw new IllegalArgumentException(
          "--split: expected shares such as 1-1-2, found '%s'".formatted(text), notNumbers);
    }
  }
}
