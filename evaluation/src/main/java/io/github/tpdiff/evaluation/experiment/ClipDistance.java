package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.runtime.video.VideoClip;
import java.util.List;

/** How far generated clips are from real ones, as sets: a Fréchet distance of some features. */
public interface ClipDistance {
  /** In results and in the report, such as {@code frechet motion}. */
  String name();

  /**
   * The distance; the less, the better.
   *
   * @param real clips
   * @param made clips, from the captions of the real ones
   */
  double between(List<VideoClip> real, List<VideoClip> made);
}
