package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.List;

/** Which sizes clips have. */
public sealed interface ClipSizes permits GivenSizes, BucketSizes {
  /** Those that clips may have, as far as is known before they are cut. */
  List<VideoSize> all();

  /** Those that clips of a video may have, the one first that counts if the video fills it. */
  List<VideoSize> of(PictureSize shown);

  /** Whether other videos have other sizes to choose from. */
  boolean followShapes();
}
