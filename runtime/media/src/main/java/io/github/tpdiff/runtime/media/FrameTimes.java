package io.github.tpdiff.runtime.media;

import java.util.OptionalDouble;

/**
 * When each frame is shown, counted from the first and always rising, whatever the file says.
 *
 * <p>A frame without a time follows the one before at the nominal rate. One whose time is the same
 * or little less is squeezed in, half a frame later, so that those after it keep theirs. Where time
 * jumps back, as where recordings were joined, it goes on from there at the nominal rate.
 */
final class FrameTimes {
  private final double step;
  private OptionalDouble origin = OptionalDouble.empty();
  private double seconds = Double.NaN;

  /**
   * @param step seconds from frame to frame at the nominal rate
   */
  FrameTimes(double step) {
    this.step = step;
  }

  /**
   * Goes on to the next frame.
   *
   * @param timestamp its time in the file, in seconds
   */
  void add(OptionalDouble timestamp) {
    double next = Double.isNaN(seconds) ? 0 : seconds + step;
    if (timestamp.isEmpty()) {
      seconds = next;
      return;
    }
    double told = timestamp.getAsDouble() - origin.orElse(timestamp.getAsDouble() - next);
    if (origin.isPresent() && told <= seconds && told > seconds - 3 * step) {
      seconds += step / 2;
    } else {
      seconds = told > seconds ? told : next;
      origin = OptionalDouble.of(timestamp.getAsDouble() - seconds);
    }
  }

  /** When the last frame is shown. */
  double seconds() {
    return seconds;
  }
}
