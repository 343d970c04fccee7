package io.github.tpdiff.runtime.picture;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/** How an area and a picture's shape come to a video's size. */
public enum PictureSizeRule {
  /**
   * Each side rounded to a pixel, then down to a multiple. Source: diffusers, the documentation of
   * {@code WanImageToVideoPipeline}.
   */
  ROUNDED {
    @Override
    Optional<PictureSize> find(PictureSize picture, long area, PictureSize multiple) {
      double shape = (double) picture.height() / picture.width();
      return size(
          down(Math.rint(Math.sqrt(area / shape)), multiple.width()),
          down(Math.rint(Math.sqrt(area * shape)), multiple.height()));
    }
  },

  /** Each side down to a multiple. Source: Wan2.1 and Wan2.2, {@code wan/image2video.py}. */
  FLOORED {
    @Override
    Optional<PictureSize> find(PictureSize picture, long area, PictureSize multiple) {
      double shape = (double) picture.height() / picture.width();
      return size(
          down(Math.sqrt(area / shape), multiple.width()),
          down(Math.sqrt(area * shape), multiple.height()));
    }
  },

  /**
   * One side down to a multiple and the other as long as the area allows; whichever side comes
   * first, the result that is nearer to the picture's shape. Source: Wan2.2, {@code
   * best_output_size} of {@code wan/utils/utils.py}.
   */
  NEAREST_SHAPE {
    @Override
    Optional<PictureSize> find(PictureSize picture, long area, PictureSize multiple) {
      double shape = (double) picture.width() / picture.height();
      double exactWidth = Math.sqrt(area * shape);
      double exactHeight = area / exactWidth;
      double width = down(exactWidth, multiple.width());
      double height = down(exactHeight, multiple.height());
      // Of two as near, the one whose height came first.
      return Stream.of(
              size(down(area / height, multiple.width()), height),
              size(width, down(area / width, multiple.height())))
          .flatMap(Optional::stream)
          .min(Comparator.comparingDouble(size -> distance(shape, size)));
    }
  };

  /**
   * The size of a video that shows a picture.
   *
   * @param area of the video at most, in pixels
   * @param multiple what the width and the height are multiples of
   * @throws IllegalArgumentException if no such size has the picture's shape
   */
  public PictureSize propose(PictureSize picture, long area, PictureSize multiple) {
    checkArgument(
        area >= 1 && area <= PictureSize.MOST_PIXELS,
        "area: expected at least 1 and at most %s pixels, found %s",
        PictureSize.MOST_PIXELS,
        area);
    return find(picture, area, multiple)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "picture of %s: no video of %d pixels with sides of multiples of %s has its shape; give the video's width and height"
                        .formatted(
                            picture,
                            area,
                            multiple.width() == multiple.height() ? multiple.width() : multiple)));
  }

  abstract Optional<PictureSize> find(PictureSize picture, long area, PictureSize multiple);

  private static double down(double side, int multiple) {
    return Math.floor(side / multiple) * multiple;
  }

  private static Optional<PictureSize> size(double width, double height) {
    boolean fits =
        width >= 1
            && height >= 1
            && width <= PictureSize.LONGEST_SIDE
            && height <= PictureSize.LONGEST_SIDE;
    return fits ? Optional.of(new PictureSize((int) width, (int) height)) : Optional.empty();
  }

  private static double distance(double shape, PictureSize size) {
    double found = (double) size.width() / size.height();
    return Math.max(shape / found, found / shape);
  }
}
