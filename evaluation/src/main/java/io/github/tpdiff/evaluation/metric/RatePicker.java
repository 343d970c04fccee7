package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.evaluation.metric.FeatureExtractor.Extraction;
import io.github.tpdiff.runtime.picture.RgbPicture;
import org.jspecify.annotations.Nullable;

/**
 * Hands on the frames nearest to the moments of another rate, the first at the first frame's; of
 * two as near, the earlier. A frame may be handed on more than once, or never.
 */
final class RatePicker implements Extraction {
  /** Half a microsecond: times that should be equal differ by rounding. */
  private static final double SAME_TIME = 5e-7;

  private final Extraction next;
  private final double fps;
  private final double frameSeconds;
  private @Nullable RgbPicture earlier;
  private double earlierSeconds;
  private int moment;

  /**
   * @param fileFps rate of the file: its last frame is shown for that long
   */
  RatePicker(Extraction next, double fps, double fileFps) {
    this.next = next;
    this.fps = fps;
    this.frameSeconds = 1 / fileFps;
  }

  @Override
  public void accept(RgbPicture frame, double seconds) {
    for (double at = moment / fps; at <= seconds + SAME_TIME; at = moment / fps) {
      boolean takeEarlier = earlier != null && seconds - at >= at - earlierSeconds - SAME_TIME;
      next.accept(takeEarlier && earlier != null ? earlier : frame, at);
      moment++;
    }
    earlier = frame;
    earlierSeconds = seconds;
  }

  @Override
  public FeatureRows end() {
    double end = earlierSeconds + frameSeconds - SAME_TIME;
    for (double at = moment / fps; earlier != null && at < end; at = moment / fps) {
      next.accept(earlier, at);
      moment++;
    }
    return next.end();
  }
}
