package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.picture.PictureValues;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.util.OptionalDouble;

/**
 * A row for each frame: what a network says of it alone, [1, 3, H, W] to [1, D].
 *
 * @param fps rate at which frames are taken; empty for every frame
 */
record PictureFeatures(NetworkFile network, PictureInput input, OptionalDouble fps)
    implements FeatureExtractor {
  /** Of every frame. */
  static PictureFeatures of(NetworkFile network, PictureInput input) {
    return new PictureFeatures(network, input, OptionalDouble.empty());
  }

  @Override
  public String identity() {
    return "pictures %s %s%s"
        .formatted(
            network.sha256(), input.text(), fps.isPresent() ? ",fps=" + fps.getAsDouble() : "");
  }

  @Override
  public Extraction begin(double fileFps) {
    var each =
        new Extraction() {
          private final RowCollector rows = new RowCollector();

          @Override
          public void accept(RgbPicture frame, double seconds) {
            PictureValues values = input.apply(frame);
            Tensor tensor =
                Tensor.ofFloats(
                    values.data(), 1, RgbPicture.CHANNELS, values.height(), values.width());
            rows.add(network.row(network.run(tensor)));
          }

          @Override
          public FeatureRows end() {
            return rows.rows(1);
          }
        };
    return fps.isPresent() ? new RatePicker(each, fps.getAsDouble(), fileFps) : each;
  }
}
