package io.github.tpdiff.runtime.media;

import static org.bytedeco.ffmpeg.global.avutil.AV_FRAME_DATA_DISPLAYMATRIX;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_get_side_data;

import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.IntPointer;

/**
 * How players turn and mirror the stored picture to show it: one of the eight ways to lay a
 * rectangle on its sides.
 *
 * @param transposed whether the stored picture's rows are shown as columns
 * @param xReversed whether stored pixels of a row are shown last to first
 * @param yReversed whether stored rows are shown last to first
 */
record Orientation(boolean transposed, boolean xReversed, boolean yReversed) {
  static final Orientation AS_STORED = new Orientation(false, false, false);

  /** Half a degree, as ffmpeg rounds: cameras write sines and cosines of their own arithmetic. */
  private static final double STRAIGHT = Math.sin(Math.toRadians(0.5));

  /** The matrix that comes with a picture, from its container or its stream; empty without one. */
  static Optional<int[]> matrix(AVFrame picture) {
    var data = av_frame_get_side_data(picture, AV_FRAME_DATA_DISPLAYMATRIX);
    if (data == null) {
      return Optional.empty();
    }
    var matrix = new int[9];
    new IntPointer(data.data()).get(matrix);
    return Optional.of(matrix);
  }

  /**
   * Reads a display matrix {@code (a b u, c d v, x y w)}: a stored pixel (x, y) is shown at (a·x +
   * c·y, b·x + d·y), y downwards, up to a shift. Its scale is the display's affair, or comes as the
   * shape of pixels; a matrix of zeros, which some writers leave, says nothing.
   *
   * @throws IllegalArgumentException if it slants, flattens or turns by another angle
   */
  static Orientation of(int[] matrix) {
    double a = matrix[0];
    double b = matrix[1];
    double c = matrix[3];
    double d = matrix[4];
    if (a == 0 && b == 0 && c == 0 && d == 0) {
      return AS_STORED;
    }
    boolean flat = matrix[2] == 0 && matrix[5] == 0;
    if (flat && isAlong(a, b) && isAlong(d, c)) {
      return new Orientation(false, a < 0, d < 0);
    }
    if (flat && isAlong(b, a) && isAlong(c, d)) {
      return new Orientation(true, b < 0, c < 0);
    }
    throw new IllegalArgumentException(
        "display matrix: expected quarter turns and mirrors, found "
            + Arrays.toString(
                IntStream.of(0, 1, 3, 4).mapToDouble(i -> matrix[i] / 65536.0).toArray()));
  }

  /**
   * Index into a stored picture of a pixel as it is shown.
   *
   * @param width of the stored picture
   * @param height of the stored picture
   */
  int source(int shownX, int shownY, int width, int height) {
    int x = transposed ? shownY : shownX;
    int y = transposed ? shownX : shownY;
    return (yReversed ? height - 1 - y : y) * width + (xReversed ? width - 1 - x : x);
  }

  /** The shown size of a stored picture. */
  PictureSize apply(PictureSize stored) {
    return transposed
        ? new PictureSize(/* width= */ stored.height(), /* height= */ stored.width())
        : stored;
  }

  /** Turns and mirrors a stored picture. */
  RgbPicture apply(RgbPicture stored) {
    if (equals(AS_STORED)) {
      return stored;
    }
    int width = stored.width();
    int height = stored.height();
    PictureSize size = apply(stored.size());
    var rgb = new byte[stored.rgb().length];
    for (int y = 0, at = 0; y < size.height(); y++) {
      for (int x = 0; x < size.width(); x++, at += RgbPicture.CHANNELS) {
        int from = RgbPicture.CHANNELS * source(x, y, width, height);
        System.arraycopy(stored.rgb(), from, rgb, at, RgbPicture.CHANNELS);
      }
    }
    return new RgbPicture(rgb, size);
  }

  private static boolean isAlong(double main, double other) {
    return main != 0 && Math.abs(other) <= STRAIGHT * Math.hypot(main, other);
  }

  /**
   * Reads the {@code rotate} tag of files that are older than display matrices.
   *
   * @param tag degrees clockwise
   * @throws IllegalArgumentException if they are not quarter turns
   */
  static Orientation of(String tag) {
    double degrees;
    try {
      degrees = Double.parseDouble(tag.strip());
    } catch (NumberFormatException notNumber) {
      degrees = Double.NaN;
    }
    double quarters = Math.rint(degrees / 90);
    if (!(Math.abs(degrees - 90 * quarters) <= 0.5)) {
      throw new IllegalArgumentException(
          "tag rotate: expected quarter turns in degrees, found '" + tag + "'");
    }
    return switch ((int) (((quarters % 4) + 4) % 4)) {
      case 1 -> new Orientation(true, false, true);
      case 2 -> new Orientation(false, true, true);
      case 3 -> new Orientation(true, true, false);
      default -> AS_STORED;
    };
  }
}
