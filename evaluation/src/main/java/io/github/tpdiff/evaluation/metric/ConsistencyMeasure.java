package io.github.tpdiff.evaluation.metric;

import java.util.List;
import java.util.Optional;

/**
 * How alike the frames of a video are to a network: the mean over all but the first of the cosines
 * with the one before and with the first, negative ones counted as 0. Over videos every frame
 * counts alike. Source: VBench, {@code subject_consistency.py}, {@code background_consistency.py}.
 */
record ConsistencyMeasure(String name, PictureFeatures features, String note) implements Measure {
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
    FeatureRows rows = video.rows(features).normalised();
    int pairs = rows.rows() - 1;
    if (pairs < 1) {
      return Optional.empty();
    }
    double sum = 0;
    for (int i = 1; i < rows.rows(); i++) {
      double before = Math.max(0, rows.product(i, rows, i - 1));
      double first = Math.max(0, rows.product(i, rows, 0));
      sum += (before + first) / 2;
    }
    return Optional.of(new ClipValue(sum / pairs, pairs));
  }
}
