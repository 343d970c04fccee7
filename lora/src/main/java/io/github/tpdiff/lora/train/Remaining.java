package io.github.tpdiff.lora.train;

import java.time.Duration;
import java.util.List;

/**
 * Time that a training is expected to take until its end.
 *
 * @param time of all that was measured so far: steps, and what is due between them
 * @param unmeasured what is to come but was not measured yet, such as {@code samples}; not in
 *     {@code time}
 */
public record Remaining(Duration time, List<String> unmeasured) {
  public Remaining {
    unmeasured = List.copyOf(unmeasured);
  }

  /** Such as {@code 1 h 05 min left, without samples}. */
  public String words() {
    return words(time)
        + " left"
        + (unmeasured.isEmpty() ? "" : ", without " + String.join(" and ", unmeasured));
  }

  private static String words(Duration time) {
    long seconds = Math.round(time.toMillis() / 1000.0);
    if (seconds < 60) {
      return seconds + " s";
    }
    return seconds < 3600
        ? "%d min %02d s".formatted(seconds / 60, seconds % 60)
        : "%d h %02d min".formatted(seconds / 3600, seconds / 60 % 60);
  }
}
