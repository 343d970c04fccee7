package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.picture.PictureValues;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;

/**
 * A row for each window of frames: what a network says of it. Videos shorter than a window have
 * none.
 *
 * @param network one clip to [1, D]
 * @param input of each frame
 * @param layout of a clip
 * @param windows which frames
 * @param flags inputs of the network beside the clip, by name
 */
record WindowFeatures(
    NetworkFile network,
    PictureInput input,
    Layout layout,
    WindowPlan windows,
    Map<String, Boolean> flags)
    implements FeatureExtractor {
  /** In what order a clip's axes lie. */
  enum Layout {
    /** [1, 3, T, H, W], as I3D takes it. */
    BCTHW,
    /** [1, T, 3, H, W], as VideoMAE takes it. */
    BTCHW
  }

  WindowFeatures {
    flags = Map.copyOf(flags);
  }

  @Override
  public String identity() {
    return "windows %s %s,layout=%s,%s%s"
        .formatted(
            network.sha256(),
            input.text(),
            layout,
            windows.text(),
            flags.isEmpty() ? "" : "," + new TreeMap<>(flags));
  }

  @Override
  public Extraction begin(double fileFps) {
    var each = new Windows();
    return windows.fps().isPresent()
        ? new RatePicker(each, windows.fps().getAsDouble(), fileFps)
        : each;
  }

  /** Holds the frames of one window. */
  private final class Windows implements Extraction {
    private final RowCollector rows = new RowCollector();
    private final Deque<PictureValues> held = new ArrayDeque<>();
    private int next;

    @Override
    public void accept(RgbPicture frame, double seconds) {
      // Only frames that some window has are prepared.
      int last = next;
      next++;
      held.add(isInSomeWindow(last) ? input.apply(frame) : PLACE);
      if (held.size() > windows.frames()) {
        held.removeFirst();
      }
      int first = last - windows.frames() + 1;
      if (first >= 0 && windows.beginsAt(first)) {
        rows.add(features());
      }
    }

    private boolean isInSomeWindow(int frame) {
      int start = frame / windows.step() * windows.step();
      // Earlier windows that still reach it, when they overlap.
      for (; start >= 0 && frame - start < windows.frames(); start -= windows.step()) {
        if (windows.beginsAt(start)) {
          return true;
        }
      }
      return false;
    }

    private float[] features() {
      PictureValues first = held.getFirst();
      int plane = first.size().pixels();
      long count = (long) RgbPicture.CHANNELS * windows.frames() * plane;
      if (count > Integer.MAX_VALUE / Float.BYTES) {
        throw new CheckpointException(
            "%s: expected a window of at most 2 GB, found %d frames of %s; choose an input that is"
                    .formatted(network.file(), windows.frames(), first.size())
                + " resized, or shorter windows");
      }
      var clip = new float[(int) count];
      int frame = 0;
      for (PictureValues picture : held) {
        for (int c = 0; c < RgbPicture.CHANNELS; c++) {
          int to =
              layout == Layout.BCTHW
                  ? c * windows.frames() + frame
                  : frame * RgbPicture.CHANNELS + c;
          System.arraycopy(picture.data(), c * plane, clip, to * plane, plane);
        }
        frame++;
      }
      long[] shape =
          layout == Layout.BCTHW
              ? new long[] {1, 3, windows.frames(), first.height(), first.width()}
              : new long[] {1, windows.frames(), 3, first.height(), first.width()};
      var named = new TreeMap<String, Tensor>();
      flags.forEach((name, value) -> named.put(name, Tensor.ofLongs(new long[] {value ? 1 : 0})));
      return network.row(network.run(named, Tensor.ofFloats(clip, shape)));
    }

    @Override
    public FeatureRows end() {
      return rows.rows(1);
    }
  }

  /** Stands for a frame of no window. */
  private static final PictureValues PLACE =
      new PictureValues(
          new float[RgbPicture.CHANNELS], new io.github.tpdiff.runtime.picture.PictureSize(1, 1));
}
