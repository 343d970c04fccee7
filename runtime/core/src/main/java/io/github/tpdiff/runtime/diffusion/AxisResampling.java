package io.github.tpdiff.runtime.diffusion;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;

/**
 * D and U of one axis as matrices.
 *
 * @param downsampling D
 * @param upsampling U
 * @param alone first places that D keeps and U does not repeat: 1 or 0
 */
record AxisResampling(Downsampling downsampling, Upsampling upsampling, int alone) {

  /** Whether so many places are whole groups, at least one. */
  boolean fits(int places, int stride) {
    int grouped = places - alone;
    return grouped >= stride && grouped % stride == 0;
  }

  /** The most places not above {@code places} that fit, or the fewest there are. */
  int fitBelow(int places, int stride) {
    return alone + Math.max(1, (places - alone) / stride) * stride;
  }

  /** The places that remain of those that fit. */
  int coarse(int places, int stride) {
    return alone + (places - alone) / stride;
  }

  /** D_r: coarse × fine. */
  AxisMatrix down(int places, int stride) {
    int coarse = coarse(places, stride);
    var down = new AxisMatrix(coarse, places);
    for (int i = 0; i < coarse; i++) {
      if (downsampling == Downsampling.STRIDE || i < alone) {
        down.set(i, i * stride, 1);
      } else {
        for (int j = 0; j < stride; j++) {
          down.set(i, groupStart(i, stride) + j, 1.0 / stride);
        }
      }
    }
    return down;
  }

  /** U from {@code coarse} places to {@code rate} times as many: fine × coarse. */
  AxisMatrix up(int coarse, int rate) {
    int fine = alone + (coarse - alone) * rate;
    var up = new AxisMatrix(fine, coarse);
    for (int f = 0; f < fine; f++) {
      if (upsampling == Upsampling.NEAREST) {
        up.set(f, f < alone ? 0 : (f - alone) / rate + alone, 1);
      } else {
        setLine(up, f, rate);
      }
    }
    return up;
  }

  private void setLine(AxisMatrix up, int fine, int rate) {
    int last = up.columns() - 1;
    int right = 0;
    while (right < last && place(right, rate) < fine) {
      right++;
    }
    double at = place(right, rate);
    if (right == 0 || at <= fine) {
      up.set(fine, right, 1);
      return;
    }
    double part = (at - fine) / (at - place(right - 1, rate));
    up.set(fine, right - 1, part);
    up.set(fine, right, 1 - part);
  }

  /** Where coarse place i lies among the fine: at the one, or the middle, that it stands for. */
  private double place(int i, int rate) {
    return downsampling == Downsampling.STRIDE || i < alone
        ? i * rate
        : groupStart(i, rate) + 0.5 * (rate - 1);
  }

  private int groupStart(int i, int rate) {
    return alone + (i - alone) * rate;
  }
}
