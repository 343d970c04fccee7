package io.github.tpdiff.runtime.media;

import java.util.OptionalDouble;

/** The times between frames, to tell a steady rate from a variable one. */
final class FrameIntervals {
  /** Containers round times to a millisecond or coarser; real jumps are whole frames. */
  private static final double STEADY_RATIO = 1.5;

  private double first;
  private double last;
  private int count;
  private double shortest = Double.POSITIVE_INFINITY;
  private double longest;

  void add(double seconds) {
    if (count == 0) {
      first = seconds;
    } else {
      shortest = Math.min(shortest, seconds - last);
      longest = Math.max(longest, seconds - last);
    }
    last = seconds;
    count++;
  }

  boolean areVariable() {
    return count > 2 && longest > STEADY_RATIO * shortest;
  }

  OptionalDouble meanFps() {
    return count < 2 ? OptionalDouble.empty() : OptionalDouble.of((count - 1) / (last - first));
  }
}
