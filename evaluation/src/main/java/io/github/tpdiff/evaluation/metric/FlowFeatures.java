package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.evaluation.metric.PictureInput.Values;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Arrays;
import java.util.List;

/**
 * A row for each pair of neighbouring frames at about 8 a second: how far the fastest twentieth of
 * the pixels moves, in pixels, and from where on VBench calls that a motion. Source: VBench, {@code
 * dynamic_degree.py}.
 *
 * @param network RAFT: two pictures [1, 3, H, W] of bytes to flows, the last of which is [1, 2, H,
 *     W] in pixels
 */
record FlowFeatures(NetworkFile network) implements FeatureExtractor {
  private static final int MULTIPLE = 8;
  private static final double FRAMES_A_SECOND = 8;
  private static final double FASTEST = 0.05;

  @Override
  public String identity() {
    return "optical flow " + network.sha256();
  }

  @Override
  public Extraction begin(double fps) {
    // Python rounds halves to even.
    int interval = (int) Math.max(1, Math.rint(fps / FRAMES_A_SECOND));
    return new FramePairs() {
      private int next;

      @Override
      public void accept(RgbPicture frame, double seconds) {
        if (next % interval == 0) {
          super.accept(frame, seconds);
        }
        next++;
      }

      @Override
      float[] of(RgbPicture first, RgbPicture second) {
        double threshold = 6.0 * (Math.min(first.width(), first.height()) / 256.0);
        return new float[] {(float) motion(first, second), (float) threshold};
      }

      @Override
      public FeatureRows end() {
        FeatureRows rows = super.end();
        return rows.rows() == 0 ? new FeatureRows(new float[0], 2) : rows;
      }
    };
  }

  private double motion(RgbPicture first, RgbPicture second) {
    PictureInput input = PictureInput.asTheyAre(Values.BYTES);
    Tensor one = PaddedPicture.of(input.apply(first), MULTIPLE).tensor();
    Tensor two = PaddedPicture.of(input.apply(second), MULTIPLE).tensor();
    List<Tensor> results = network.run(one, two);
    Tensor flow = results.get(results.size() - 1);
    long[] expected = one.shape();
    expected[1] = 2;
    if (!Arrays.equals(expected, flow.shape())) {
      throw new CheckpointException(
          "%s: expected an optical flow %s as its last result, found %s"
              .formatted(network.file(), Arrays.toString(expected), flow));
    }
    float[] data = flow.toFloatArray();
    int pixels = data.length / 2;
    var lengths = new double[pixels];
    for (int i = 0; i < pixels; i++) {
      lengths[i] = Math.hypot(data[i], data[pixels + i]);
    }
    Arrays.sort(lengths);
    int fastest = Math.max(1, (int) (pixels * FASTEST));
    return Arrays.stream(lengths, pixels - fastest, pixels).average().orElseThrow();
  }
}
