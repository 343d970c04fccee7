package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Sizes that are chosen from what the videos and pictures are like, within a budget of pixels.
 *
 * <p>Shapes: each file asks for the size within the budget that shows the most of it; shapes that
 * hardly differ are one, and of more than the budget allows, those go that the fewest files ask
 * for, into their neighbours. Pixels: a file that has fewer than the budget gets the sizes of half
 * of it, or a quarter, and so on, so that none is enlarged by more than a tenth. Frames: the
 * longest of the budget's that a video fills.
 *
 * @param budget that they keep
 * @param shapes width over height, in order
 * @param all sizes that files ask for: the longest first, of those the most asked for
 */
public record BucketSizes(Budget budget, List<Double> shapes, List<VideoSize> all)
    implements ClipSizes {
  /** Of shapes that are one, the difference of their logarithms: a twentieth is cut off. */
  private static final double ALIKE = 0.05;

  /** By which pixels a file may be enlarged: a tenth along each side. */
  private static final double ENLARGED = 1.21;

  /**
   * What sizes have to keep.
   *
   * @param pixels of a frame, at most
   * @param widthMultiple pixels that widths are multiples of
   * @param heightMultiple pixels that heights are multiples of
   * @param frames that clips may have
   * @param fps of the clips
   * @param shapes at most
   */
  public record Budget(
      long pixels,
      int widthMultiple,
      int heightMultiple,
      List<Integer> frames,
      double fps,
      int shapes) {
    /**
     * @throws IllegalArgumentException if no size keeps it
     */
    public Budget {
      frames = frames.stream().distinct().sorted(Comparator.reverseOrder()).toList();
      checkArgument(!frames.isEmpty(), "data.frames: expected at least one number");
      checkArgument(shapes >= 1, "data.shapes: at least 1, found %s", shapes);
      checkArgument(
          pixels >= (long) widthMultiple * heightMultiple,
          "data.pixels: expected at least %sx%s, the smallest that fits this model and its stages,"
              + " found %s pixels",
          widthMultiple,
          heightMultiple,
          pixels);
    }

    /** The same with other numbers of frames. */
    public Budget withFrames(List<Integer> others) {
      return new Budget(pixels, widthMultiple, heightMultiple, others, fps, shapes);
    }

    /** The pixels of the sizes that a file of so many gets: the budget, half of it, a quarter… */
    private long level(long own) {
      long level = pixels;
      while (level > ENLARGED * own && level / 2 >= (long) widthMultiple * heightMultiple) {
        level /= 2;
      }
      return level;
    }

    /**
     * The size of so many pixels at most that shows the most of a file of some shape: the part of
     * it that is not cut off, times the part of the pixels that are used.
     */
    private PictureSize nearest(long level, double shape) {
      var best = new PictureSize(widthMultiple, heightMultiple);
      double most = 0;
      for (long width = widthMultiple;
          width * heightMultiple <= level && width <= PictureSize.LONGEST_SIDE;
          width += widthMultiple) {
        long height =
            Math.min(level / width, PictureSize.LONGEST_SIDE) / heightMultiple * heightMultiple;
        var size = new PictureSize((int) width, (int) height);
        double shown = Math.exp(-distance(shape(size), shape)) * size.pixels() / level;
        if (shown > most) {
          most = shown;
          best = size;
        }
      }
      return best;
    }
  }

  /**
   * A file as it counts for the choice.
   *
   * @param shown width and height
   * @param seconds it lasts, about; empty where that is not known, or of a picture
   * @param isPicture whether it is one frame
   */
  public record Candidate(PictureSize shown, OptionalDouble seconds, boolean isPicture) {}

  public BucketSizes {
    shapes = List.copyOf(shapes);
    all = List.copyOf(all);
  }

  /**
   * Chooses.
   *
   * @throws IllegalArgumentException if there is no file, or none fills the fewest frames
   */
  public static BucketSizes choose(Budget budget, List<Candidate> files) {
    checkArgument(!files.isEmpty(), "data: expected a video or picture, found none that opens");
    var asked = new LinkedHashMap<Double, Integer>();
    for (Candidate file : files) {
      asked.merge(shape(budget.nearest(budget.pixels(), shape(file.shown()))), 1, Integer::sum);
    }
    List<Double> shapes = merged(asked, budget.shapes());
    var known = new BucketSizes(budget, shapes, List.of());
    var sizes = new LinkedHashMap<VideoSize, Integer>();
    for (Candidate file : files) {
      known.expected(file).forEach(size -> sizes.merge(size, 1, Integer::sum));
    }
    List<VideoSize> all =
        sizes.entrySet().stream()
            .sorted(
                Comparator.<Map.Entry<VideoSize, Integer>>comparingInt(e -> -e.getKey().frames())
                    .thenComparing(e -> -e.getValue()))
            .map(Map.Entry::getKey)
            .toList();
    if (all.isEmpty()) {
      int fewest = budget.frames().get(budget.frames().size() - 1);
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "data.frames: expected a video of %d frames at %s fps (%.2f s), the longest has %.2f s;"
                  + " say fewer",
              fewest,
              budget.fps(),
              fewest / budget.fps(),
              files.stream().mapToDouble(f -> f.seconds().orElse(0)).max().orElse(0)));
    }
    return new BucketSizes(budget, shapes, all);
  }

  /** The size that a file is expected to get; all of its shape where its length is not known. */
  private List<VideoSize> expected(Candidate file) {
    List<VideoSize> own = of(file.shown());
    if (file.isPicture()) {
      return List.of(ClipCutter.still(own.get(0)));
    }
    if (file.seconds().isEmpty()) {
      return own;
    }
    // Half a frame less: a video's length is rounded in its file.
    return own.stream()
        .filter(size -> (size.frames() - 0.5) / size.fps() <= file.seconds().getAsDouble())
        .limit(1)
        .toList();
  }

  private static List<Double> merged(Map<Double, Integer> asked, int most) {
    var shapes = new ArrayList<Double>(asked.keySet());
    Collections.sort(shapes);
    while (shapes.size() > 1) {
      int closest = 0;
      double least = Double.POSITIVE_INFINITY;
      for (int i = 0; i + 1 < shapes.size(); i++) {
        double distance = distance(shapes.get(i), shapes.get(i + 1));
        int fewer = Math.min(count(asked, shapes.get(i)), count(asked, shapes.get(i + 1)));
        // Those that are alike go first; then what moves the fewest files the least.
        double cost = distance < ALIKE ? distance - 1 : distance * fewer;
        if (cost < least) {
          least = cost;
          closest = i;
        }
      }
      if (least >= 0 && shapes.size() <= most) {
        break;
      }
      double lower = shapes.get(closest);
      double upper = shapes.get(closest + 1);
      int together = count(asked, lower) + count(asked, upper);
      double kept = count(asked, lower) >= count(asked, upper) ? lower : upper;
      shapes.remove(kept == lower ? closest + 1 : closest);
      asked.put(kept, together);
    }
    return shapes;
  }

  private static int count(Map<Double, Integer> asked, double shape) {
    return asked.getOrDefault(shape, 0);
  }

  private static double shape(PictureSize size) {
    return size.width() / (double) size.height();
  }

  private static double distance(double one, double other) {
    return Math.abs(Math.log(one / other));
  }

  @Override
  public List<VideoSize> of(PictureSize shown) {
    double own = shape(shown);
    double shape =
        shapes.stream().min(Comparator.comparingDouble(s -> distance(s, own))).orElseThrow();
    PictureSize size = budget.nearest(budget.level((long) shown.width() * shown.height()), shape);
    return budget.frames().stream()
        .map(frames -> new VideoSize(size.height(), size.width(), frames, budget.fps()))
        .toList();
  }

  @Override
  public boolean followShapes() {
    return true;
  }
}
