package io.github.tpdiff.evaluation.shapes;

import io.github.tpdiff.runtime.video.VideoClip;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The thing of colour that a frame shows.
 *
 * @param x of its centroid, in shorter sides from the left
 * @param y likewise from the top
 * @param radius of the circle of its area, in shorter sides
 * @param colour mean of its pixels: red, green, blue in [0, 1]
 * @param pixels it covers, row by row
 */
@SuppressWarnings("ArrayRecordComponent") // measured, never compared
record Blob(double x, double y, double radius, double[] colour, BitSet pixels) {
  /** Least chroma of what is taken to have colour: all grounds are grey. */
  private static final double LEAST_CHROMA = 0.25;

  /**
   * Share of the strongest chroma that a pixel needs: half of what the mean pixel of a textured
   * shape has, for at a shape's edge chroma falls as much as the ground shows.
   */
  private static final double EDGE = 0.4;

  /** Share of the pixels whose chroma is taken to be the shape's: fewer than any shape has. */
  private static final double CORE = 0.01;

  /** Share of all coloured pixels that the largest thing has to have. */
  private static final double LEAST_SHARE = 0.7;

  private static final double LEAST_RADIUS = 0.05;
  private static final double MOST_RADIUS = 0.33;

  /** What every frame of a clip shows. */
  static List<Optional<Blob>> find(VideoClip clip) {
    return IntStream.range(0, clip.frames()).mapToObj(frame -> find(clip, frame)).toList();
  }

  /** Finds it; empty if nothing has colour, or much more or less than one shape has. */
  private static Optional<Blob> find(VideoClip clip, int frame) {
    var picture = new Picture(clip, frame);
    double[] chroma = picture.chroma();
    double[] sorted = chroma.clone();
    Arrays.sort(sorted);
    int core = Math.max(1, (int) (CORE * sorted.length));
    double strongest =
        Arrays.stream(sorted, sorted.length - core, sorted.length).average().orElse(0);
    if (!(strongest >= LEAST_CHROMA)) {
      return Optional.empty();
    }
    var coloured = new BitSet(chroma.length);
    for (int i = 0; i < chroma.length; i++) {
      coloured.set(i, chroma[i] >= EDGE * strongest);
    }
    BitSet largest = largest(coloured, clip.width());
    Blob blob = picture.measure(largest);
    boolean isOne = largest.cardinality() >= LEAST_SHARE * coloured.cardinality();
    return isOne && blob.radius >= LEAST_RADIUS && blob.radius <= MOST_RADIUS
        ? Optional.of(blob)
        : Optional.empty();
  }

  /** The largest of the parts that hang together by their sides. */
  private static BitSet largest(BitSet pixels, int width) {
    var left = (BitSet) pixels.clone();
    var largest = new BitSet();
    var stack = new int[Math.max(1, pixels.length())];
    for (int first = left.nextSetBit(0); first >= 0; first = left.nextSetBit(first)) {
      var part = new BitSet();
      int height = 0;
      stack[height++] = first;
      left.clear(first);
      while (height > 0) {
        int at = stack[--height];
        part.set(at);
        int column = at % width;
        int[] beside = {
          column > 0 ? at - 1 : -1, column < width - 1 ? at + 1 : -1, at - width, at + width
        };
        for (int next : beside) {
          if (next >= 0 && left.get(next)) {
            left.clear(next);
            stack[height++] = next;
          }
        }
      }
      if (part.cardinality() > largest.cardinality()) {
        largest = part;
      }
    }
    return largest;
  }

  /** Overlap of its pixels with those of a shape of its place and area: 1 if they are the same. */
  double likeness(ShapeKind kind, int width, int height) {
    int side = Math.min(width, height);
    int both = 0;
    int either = 0;
    for (int i = 0; i < width * height; i++) {
      int row = i / width;
      double dx = ((i % width + 0.5) / side - x) / radius;
      double dy = ((row + 0.5) / side - y) / radius;
      boolean drawn = kind.distance(dx, dy) <= 0;
      both += drawn && pixels.get(i) ? 1 : 0;
      either += drawn || pixels.get(i) ? 1 : 0;
    }
    return either == 0 ? 0 : (double) both / either;
  }

  /** A frame of a clip. */
  private record Picture(VideoClip clip, int frame) {
    double value(int channel, int pixel) {
      int plane = clip.width() * clip.height();
      return (clip.data()[(channel * clip.frames() + frame) * plane + pixel] + 1) / 2;
    }

    /** Largest less least of red, green and blue, of every pixel. */
    double[] chroma() {
      var chroma = new double[clip.width() * clip.height()];
      for (int i = 0; i < chroma.length; i++) {
        double red = value(0, i);
        double green = value(1, i);
        double blue = value(2, i);
        chroma[i] = Math.max(red, Math.max(green, blue)) - Math.min(red, Math.min(green, blue));
      }
      return chroma;
    }

    Blob measure(BitSet pixels) {
      int side = Math.min(clip.width(), clip.height());
      int count = pixels.cardinality();
      double x = 0;
      double y = 0;
      var colour = new double[3];
      for (int i = pixels.nextSetBit(0); i >= 0; i = pixels.nextSetBit(i + 1)) {
        int row = i / clip.width();
        x += (i % clip.width() + 0.5) / count;
        y += (row + 0.5) / count;
        for (int c = 0; c < colour.length; c++) {
          colour[c] += value(c, i) / count;
        }
      }
      return new Blob(x / side, y / side, Math.sqrt(count / Math.PI) / side, colour, pixels);
    }
  }
}
