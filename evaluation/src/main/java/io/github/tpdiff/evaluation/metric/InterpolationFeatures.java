package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.evaluation.metric.PictureInput.Values;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A row for each frame of odd number between two of even: the mean absolute difference of its bytes
 * from what a network interpolates between the two. Source: VBench, {@code motion_smoothness.py}.
 *
 * @param network AMT: two pictures [1, 3, H, W] from 0 to 1 to the one between them
 */
record InterpolationFeatures(NetworkFile network) implements FeatureExtractor {
  private static final int MULTIPLE = 16;

  @Override
  public String identity() {
    return "interpolation " + network.sha256();
  }

  @Override
  public Extraction begin(double fps) {
    return new Extraction() {
      private final RowCollector rows = new RowCollector();
      private final List<RgbPicture> held = new ArrayList<>();

      @Override
      public void accept(RgbPicture frame, double seconds) {
        held.add(frame);
        if (held.size() == 3) {
          RgbPicture between = interpolated(held.get(0), frame);
          rows.add((float) FramePairs.meanDifference(held.get(1), between));
          held.subList(0, 2).clear();
        }
      }

      @Override
      public FeatureRows end() {
        return rows.rows(1);
      }
    };
  }

  private RgbPicture interpolated(RgbPicture first, RgbPicture second) {
    PictureInput input = PictureInput.asTheyAre(Values.UNIT);
    PaddedPicture one = PaddedPicture.of(input.apply(first), MULTIPLE);
    PaddedPicture two = PaddedPicture.of(input.apply(second), MULTIPLE);
    Tensor between = network.run(one.tensor(), two.tensor()).get(0);
    if (!Arrays.equals(one.tensor().shape(), between.shape())) {
      throw new CheckpointException(
          "%s: expected a picture %s, found %s"
              .formatted(network.file(), Arrays.toString(one.tensor().shape()), between));
    }
    return bytes(between, one, first.size());
  }

  /** The picture's own part; VBench cuts numbers off where others round. */
  private static RgbPicture bytes(Tensor between, PaddedPicture place, PictureSize size) {
    float[] data = between.toFloatArray();
    int height = (int) between.shape()[2];
    int width = (int) between.shape()[3];
    var rgb = new byte[RgbPicture.CHANNELS * size.pixels()];
    for (int y = 0, at = 0; y < size.height(); y++) {
      for (int x = 0; x < size.width(); x++) {
        for (int c = 0; c < RgbPicture.CHANNELS; c++, at++) {
          float value = data[(c * height + place.top() + y) * width + place.left() + x] * 255f;
          if (Float.isNaN(value)) {
            throw new CheckpointException("the interpolated picture has NaN");
          }
          rgb[at] = (byte) (int) Math.max(0f, Math.min(255f, value));
        }
      }
    }
    return new RgbPicture(rgb, size);
  }
}
