package io.github.tpdiff.evaluation.shapes;

import io.github.tpdiff.runtime.video.VideoClip;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * What is behind a shape.
 *
 * @param stir mean change from frame to frame, in [0, 1]; 0 if the shape covers everything
 * @param level mean brightness, in [0, 1]
 */
record GroundFindings(double stir, double level) {
  /** A codec spreads a shape's colour over its blocks' neighbours; in shorter sides. */
  private static final double MARGIN = 0.07;

  static GroundFindings of(VideoClip clip, List<Optional<Blob>> blobs) {
    int plane = clip.width() * clip.height();
    double changes = 0;
    long changed = 0;
    double levels = 0;
    long seen = 0;
    BitSet before = new BitSet();
    for (int f = 0; f < clip.frames(); f++) {
      BitSet covered = covered(clip, blobs.get(f));
      for (int i = 0; i < plane; i++) {
        if (covered.get(i)) {
          continue;
        }
        boolean both = f > 0 && !before.get(i);
        for (int c = 0; c < 3; c++) {
          int at = (c * clip.frames() + f) * plane + i;
          double value = clip.data()[at];
          levels += (value + 1) / 2;
          changes += both ? Math.abs(value - clip.data()[at - plane]) / 2 : 0;
        }
        seen += 3;
        changed += both ? 3 : 0;
      }
      before = covered;
    }
    return new GroundFindings(changed == 0 ? 0 : changes / changed, seen == 0 ? 0 : levels / seen);
  }

  /** The shape's pixels and those around it. */
  private static BitSet covered(VideoClip clip, Optional<Blob> blob) {
    var covered = new BitSet();
    if (blob.isEmpty()) {
      return covered;
    }
    int width = clip.width();
    int around = (int) Math.ceil(MARGIN * Math.min(width, clip.height()));
    BitSet pixels = blob.get().pixels();
    for (int i = pixels.nextSetBit(0); i >= 0; i = pixels.nextSetBit(i + 1)) {
      int row = i / width;
      int left = Math.max(0, i % width - around);
      int right = Math.min(width - 1, i % width + around);
      int last = Math.min(clip.height() - 1, row + around);
      for (int r = Math.max(0, row - around); r <= last; r++) {
        covered.set(r * width + left, r * width + right + 1);
      }
    }
    return covered;
  }
}
