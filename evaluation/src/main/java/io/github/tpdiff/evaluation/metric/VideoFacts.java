package io.github.tpdiff.evaluation.metric;

import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * Size and rate of a video.
 *
 * @param frames counted
 * @param width in pixels
 * @param height in pixels
 * @param fps as the file states it
 */
public record VideoFacts(int frames, int width, int height, double fps) {
  static VideoFacts of(FeatureRows row) {
    return new VideoFacts((int) row.at(0, 0), (int) row.at(0, 1), (int) row.at(0, 2), row.at(0, 3));
  }

  String size() {
    return width + "x" + height;
  }

  String rate() {
    return BigDecimal.valueOf(fps)
        .setScale(2, RoundingMode.HALF_UP)
        .stripTrailingZeros()
        .toPlainString();
  }
}
