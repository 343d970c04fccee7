package io.github.tpdiff.runtime.serving;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** How long generations take, and when the next will be done. */
final class Pace {
  /** Before one was completed. */
  private static final double UNKNOWN_SECONDS = 10;

  /** How much the latest counts. */
  private static final double SHARE = 0.3;

  private final Map<Generation<?>, Long> begun = new HashMap<>();
  private double seconds = UNKNOWN_SECONDS;
  private boolean known;

  synchronized void begin(Generation<?> generation) {
    begun.put(generation, System.nanoTime());
  }

  synchronized void end(Generation<?> generation) {
    double own = secondsSince(begun.remove(generation));
    if (generation.state() == Generation.State.COMPLETED) {
      seconds = known ? seconds + SHARE * (own - seconds) : own;
      known = true;
    }
  }

  /** When a device is likely to be free, in whole seconds, at least one. */
  synchronized Duration untilNextEnd() {
    double least =
        begun.values().stream().mapToDouble(since -> seconds - secondsSince(since)).min().orElse(0);
    return Duration.ofSeconds((long) Math.ceil(Math.max(1, least)));
  }

  private static double secondsSince(long nanoTime) {
    return (System.nanoTime() - nanoTime) * 1e-9;
  }
}
