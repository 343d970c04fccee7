package io.github.tpdiff.evaluation.metric;

import java.util.List;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;

/**
 * A function of the mean of a video's rows of one number; each video counts as one.
 *
 * @param of the mean
 */
record MeanMeasure(String name, FeatureExtractor features, DoubleUnaryOperator of, String note)
    implements Measure {
  /** What is left of a full scale of bytes: VBench's way to turn differences into scores. */
  static double likeness(double difference) {
    return (255.0 - difference) / 255.0;
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
    FeatureRows rows = video.rows(features);
    double sum = 0;
    for (int i = 0; i < rows.rows(); i++) {
      sum += rows.at(i, 0);
    }
    return rows.rows() == 0
        ? Optional.empty()
        : Optional.of(ClipValue.of(of.applyAsDouble(sum / rows.rows())));
  }
}
