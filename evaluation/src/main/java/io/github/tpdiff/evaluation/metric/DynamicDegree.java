package io.github.tpdiff.evaluation.metric;

import java.util.List;
import java.util.Optional;

/**
 * Whether a video moves: at least as many pairs of frames as a quarter of its frames, both at about
 * 8 a second, move faster than VBench's threshold. Source: VBench, {@code dynamic_degree.py}.
 */
record DynamicDegree(FlowFeatures features) implements Measure {
  @Override
  public String name() {
    return "dynamic degree";
  }

  @Override
  public Better better() {
    return Better.HIGHER;
  }

  @Override
  public List<FeatureExtractor> needs() {
    return List.of(features);
  }

  @Override
  public Optional<ClipValue> of(MeasuredVideo video) {
    FeatureRows pairs = video.rows(features);
    if (pairs.rows() == 0) {
      return Optional.of(ClipValue.of(0));
    }
    int fast = 0;
    for (int i = 0; i < pairs.rows(); i++) {
      fast += pairs.at(i, 0) > pairs.at(i, 1) ? 1 : 0;
    }
    // Python rounds halves to even.
    double enough = Math.rint(4 * ((pairs.rows() + 1) / 16.0));
    return Optional.of(ClipValue.of(fast >= enough ? 1 : 0));
  }

  @Override
  public String note() {
    return "share of the videos that move";
  }
}
