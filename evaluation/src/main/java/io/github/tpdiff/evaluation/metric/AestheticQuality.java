package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What LAION's linear predictor says of the frames' unit CLIP features, a tenth of the mean.
 * Source: VBench, {@code aesthetic_quality.py}.
 *
 * @param weight of each feature
 * @param bias beside their sum
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record AestheticQuality(PictureFeatures features, float[] weight, float bias) implements Measure {
  /**
   * With the predictor of a file.
   *
   * @throws CheckpointException if it is no linear layer to one number
   */
  static AestheticQuality of(PictureFeatures features, Path predictor) {
    try (TensorSource source = Checkpoint.open(predictor)) {
      TensorInfo weight = source.require("weight");
      TensorInfo bias = source.require("bias");
      if (weight.shape().size() != 2
          || weight.shape().get(0) != 1
          || !bias.shape().equals(List.of(1L))) {
        throw new CheckpointException(
            "%s: expected weight [1, D] and bias [1] of a linear layer, found %s and %s"
                .formatted(predictor, weight.shape(), bias.shape()));
      }
      return new AestheticQuality(features, source.floats("weight"), source.floats("bias")[0]);
    }
  }

  @Override
  public String name() {
    return "aesthetic quality";
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
    FeatureRows rows = video.rows(features).normalised();
    var predictor = new FeatureRows(weight, weight.length);
    double sum = 0;
    for (int i = 0; i < rows.rows(); i++) {
      sum += rows.product(i, predictor, 0) + bias;
    }
    return Optional.of(ClipValue.of(sum / rows.rows() / 10));
  }

  @Override
  public String note() {
    return "CLIP ViT-L/14 and LAION's linear predictor";
  }
}
