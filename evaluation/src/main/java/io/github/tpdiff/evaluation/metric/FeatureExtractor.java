package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.runtime.picture.RgbPicture;

/** Makes rows of numbers of one video after another; what it makes is kept by content. */
public interface FeatureExtractor {
  /**
   * All that its rows depend on beside the video: the hash of a network, how frames are prepared.
   * Rows that were kept under the same text and of the same video's bytes are taken again.
   */
  String identity();

  /**
   * Starts with a video.
   *
   * @param fps as the file states it, in frames per second
   */
  Extraction begin(double fps);

  /** One video's way through an extractor. */
  interface Extraction {
    /**
     * Takes the next frame.
     *
     * @param seconds when it is shown, counted from the first
     */
    void accept(RgbPicture frame, double seconds);

    /** What came of all of them. */
    FeatureRows end();
  }
}
