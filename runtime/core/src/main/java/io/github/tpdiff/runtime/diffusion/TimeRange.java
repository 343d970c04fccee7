package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Optional;

/**
 * Times from {@code end} up to {@code start}.
 *
 * @param start the noisier end, in (0, 1]
 * @param end the cleaner end, below it
 */
public record TimeRange(double start, double end) {
  /**
   * @throws IllegalArgumentException if the range is empty or not in [0, 1]
   */
  public TimeRange {
    checkArgument(
        end >= 0 && end < start && start <= 1,
        "times: expected a range in [0, 1], found %s to %s",
        start,
        end);
  }

  /** All times. */
  public static TimeRange all() {
    return new TimeRange(1, 0);
  }

  /** The part of a stage that is in this range; nothing if they do not meet. */
  public Optional<Stage> within(Stage stage) {
    double from = Math.min(start, stage.start());
    double to = Math.max(end, stage.end());
    return to < from
        ? Optional.of(new Stage(stage.number(), stage.grid(), from, to))
        : Optional.empty();
  }
}
