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
    add(seconds, 1);
  }

  /** Adds a frame that comes so many frames after the one before. */
  void add(double seconds, int frames) {
    if (count == 0) {
      first = seconds;
    } else {
      shortest = Math.min(shortest, (seconds - last) / frames);
      longest = Math.max(longest, (seconds - last) / frames);
    }
    last = seconds;
    count += count == 0 ? 1 : frames;
  }

  boolean areVariable() {
    return count > 2 && longest > STEADY_RATIO * shortest;
  }

  OptionalDouble meanFps() {
    return count < 2 ? OptionalDouble.empty() : OptionalDouble.of((count - 1) / (last - first));
  }
}
