package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.runtime.picture.RgbPicture;

/** A row for each pair of neighbouring frames: the mean absolute difference of their bytes. */
record FlickerFeatures() implements FeatureExtractor {
  @Override
  public String identity() {
    return "mean absolute difference of neighbouring frames";
  }

  @Override
  public Extraction begin(double fps) {
    return new FramePairs() {
      @Override
      float[] of(RgbPicture first, RgbPicture second) {
        return new float[] {(float) meanDifference(first, second)};
      }
    };
  }
}
