package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.evaluation.metric.FeatureExtractor.Extraction;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.weights.CheckpointException;
import org.jspecify.annotations.Nullable;

/** A row for each frame and the one before it. */
abstract class FramePairs implements Extraction {
  private final RowCollector rows = new RowCollector();
  private @Nullable RgbPicture before;

  /** What is said of two frames of one size. */
  abstract float[] of(RgbPicture first, RgbPicture second);

  @Override
  public void accept(RgbPicture frame, double seconds) {
    if (before != null) {
      rows.add(of(before, frame));
    }
    before = frame;
  }

  @Override
  public FeatureRows end() {
    return rows.rows(1);
  }

  /** Mean over pixels and colours of the absolute difference of two pictures' bytes. */
  static double meanDifference(RgbPicture first, RgbPicture second) {
    if (!first.size().equals(second.size())) {
      throw new CheckpointException(
          "frames: expected one size, found %s and %s".formatted(first.size(), second.size()));
    }
    byte[] a = first.rgb();
    byte[] b = second.rgb();
    long sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.abs((a[i] & 0xff) - (b[i] & 0xff));
    }
    return (double) sum / a.length;
  }
}
