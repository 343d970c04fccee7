package io.github.tpdiff.evaluation.metric;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * Which frames of a video are a window.
 *
 * @param frames of a window
 * @param step frames from the start of one to the start of the next
 * @param most windows of a video, from its beginning; empty for all that fit
 * @param fps rate at which frames are taken, each time the nearest; empty for every frame
 */
public record WindowPlan(int frames, int step, OptionalInt most, OptionalDouble fps) {
  /** The windows of most published figures, side by side. */
  public static final WindowPlan OF_16 =
      new WindowPlan(16, 16, OptionalInt.empty(), OptionalDouble.empty());

  public WindowPlan {
    checkArgument(frames >= 1 && frames <= 4096, "window: expected 1 to 4096, found %s", frames);
    checkArgument(step >= 1, "window step: expected at least 1 frame, found %s", step);
    checkArgument(
        most.isEmpty() || most.getAsInt() >= 1,
        "windows: expected at least 1 of a video, found %s",
        most);
    checkArgument(
        fps.isEmpty() || (fps.getAsDouble() > 0 && fps.getAsDouble() <= 1000),
        "fps: expected more than 0 and at most 1000, found %s",
        fps);
  }

  /** One line, the same for the same windows. */
  public String text() {
    return "frames=%d,step=%d%s%s"
        .formatted(
            frames,
            step,
            most.isPresent() ? ",most=" + most.getAsInt() : "",
            fps.isPresent() ? ",fps=" + fps.getAsDouble() : "");
  }

  /** Whether a window begins at a frame. */
  boolean beginsAt(int frame) {
    return frame % step == 0 && (most.isEmpty() || frame / step < most.getAsInt());
  }
}
