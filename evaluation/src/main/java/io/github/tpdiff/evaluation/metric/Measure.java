package io.github.tpdiff.evaluation.metric;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.List;
import java.util.Optional;

/** Says something of each video by itself; of a set it says their weighted mean. */
public interface Measure {
  /** What it is called in reports; of published ones, as they are published. */
  String name();

  /** Which values are good. */
  Better better();

  /** What it reads of a video. */
  List<FeatureExtractor> needs();

  /** The value of a video; empty where it has none, as for a video of one frame. */
  Optional<ClipValue> of(MeasuredVideo video);

  /** What readers of its values should know, in one line. */
  String note();

  /** Which of two values is the better. */
  enum Better {
    HIGHER,
    LOWER
  }

  /**
   * The value of a video.
   *
   * @param weight of it in the mean over videos: 1, or frames where a metric counts these
   */
  record ClipValue(double value, double weight) {
    public ClipValue {
      checkArgument(Double.isFinite(value), "value: expected a finite number, found %s", value);
      checkArgument(weight > 0, "weight: expected a positive number, found %s", weight);
    }

    /** Of a video that counts as one. */
    public static ClipValue of(double value) {
      return new ClipValue(value, 1);
    }
  }
}
