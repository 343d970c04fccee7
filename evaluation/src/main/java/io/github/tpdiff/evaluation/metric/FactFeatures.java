package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.runtime.picture.RgbPicture;

/** One row: frames, width, height and frames per second of a video. */
record FactFeatures() implements FeatureExtractor {
  @Override
  public String identity() {
    return "frames, width, height, fps";
  }

  @Override
  public Extraction begin(double fps) {
    return new Extraction() {
      private int frames;
      private int width;
      private int height;

      @Override
      public void accept(RgbPicture frame, double seconds) {
        frames++;
        width = frame.width();
        height = frame.height();
      }

      @Override
      public FeatureRows end() {
        return new FeatureRows(new float[] {frames, width, height, (float) fps}, 4);
      }
    };
  }
}
