package io.github.tpdiff.evaluation.metric;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.picture.ClipImageProcessor;
import io.github.tpdiff.runtime.picture.ClipImageProcessor.Normalisation;
import io.github.tpdiff.runtime.picture.ClipImageProcessor.Resize;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.PictureValues;
import io.github.tpdiff.runtime.picture.ResampleFilter;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.runtime.picture.TorchResize;
import java.util.List;
import java.util.Optional;

/**
 * How a frame becomes what a network takes.
 *
 * @param fit to what size
 * @param side in pixels, of which {@code fit} says the meaning; ignored by {@link Fit#NONE}
 * @param filter how pixels between pixels are made
 * @param values of what range the numbers are
 */
public record PictureInput(Fit fit, int side, Filter filter, Values values) {
  /** Of published networks the largest take 518. */
  private static final int LARGEST = 4096;

  /** To what size a frame is brought. */
  public enum Fit {
    /** As it is. */
    NONE,
    /** Both sides to one length, each for itself. */
    STRETCH,
    /** The shorter side to a length, the other in proportion, rounded down. */
    SHORTER,
    /** Likewise, and the middle square of it, as torchvision cuts it: .5 is rounded to even. */
    CROP,
    /** Likewise with the other side rounded up, and the cut rounded down. Source: VideoGPT. */
    CROP_CEIL,
    /** The longer side to a length where it is more; both sides rounded down. */
    LONGER;

    private PictureSize resized(PictureSize picture, int side) {
      int shorter = Math.min(picture.width(), picture.height());
      int longer = Math.max(picture.width(), picture.height());
      return switch (this) {
        case NONE -> picture;
        case STRETCH -> new PictureSize(side, side);
        case SHORTER, CROP -> oriented(picture, side, (int) ((double) side * longer / shorter));
        case CROP_CEIL -> {
          double scale = (double) side / shorter;
          yield oriented(picture, side, (int) Math.ceil(longer * scale));
        }
        case LONGER -> {
          double scale = (double) side / longer;
          yield longer <= side
              ? picture
              : new PictureSize(
                  Math.max(1, (int) (scale * picture.width())),
                  Math.max(1, (int) (scale * picture.height())));
        }
      };
    }

    private static PictureSize oriented(PictureSize picture, int shorter, int longer) {
      return picture.width() <= picture.height()
          ? new PictureSize(shorter, longer)
          : new PictureSize(longer, shorter);
    }

    private int margin(int length, int side) {
      return switch (this) {
        case CROP -> (int) Math.rint((length - side) / 2.0);
        case CROP_CEIL -> (length - side) / 2;
        default -> 0;
      };
    }

    private boolean isCut() {
      return this == CROP || this == CROP_CEIL;
    }
  }

  /** How pixels between pixels are made. */
  public enum Filter {
    /** torch's, without a wider filter for shrinking. */
    BILINEAR,
    /** torch's, without a wider filter for shrinking. */
    BICUBIC,
    /** Pillow's on bytes, which widens for shrinking; the shorter side alone. */
    PILLOW_BICUBIC
  }

  /** Of what range the numbers are. */
  public enum Values {
    /** 0 to 255. */
    BYTES,
    /** 0 to 1. */
    UNIT,
    /** -1 to 1. */
    SIGNED,
    /** 0 to 1, less ImageNet's means, by its deviations. */
    IMAGENET,
    /** 0 to 1, less CLIP's means, by its deviations. */
    CLIP;

    private Optional<Normalisation> normalisation() {
      return switch (this) {
        case BYTES, UNIT -> Optional.empty();
        case SIGNED ->
            Optional.of(new Normalisation(List.of(0.5, 0.5, 0.5), List.of(0.5, 0.5, 0.5)));
        case IMAGENET ->
            Optional.of(
                new Normalisation(List.of(0.485, 0.456, 0.406), List.of(0.229, 0.224, 0.225)));
        case CLIP -> Optional.of(Normalisation.OPENAI);
      };
    }

    private float[] levels() {
      var levels = new float[256];
      for (int i = 0; i < levels.length; i++) {
        levels[i] = this == BYTES ? i : i / 255f;
      }
      return levels;
    }
  }

  public PictureInput {
    checkArgument(
        side >= 1 && side <= LARGEST, "size: expected 1 to %s pixels, found %s", LARGEST, side);
    checkArgument(
        filter != Filter.PILLOW_BICUBIC || fit == Fit.SHORTER || fit == Fit.CROP,
        "filter: Pillow's is for the shorter side alone, found %s",
        fit);
  }

  /** Frames as they are. */
  public static PictureInput asTheyAre(Values values) {
    return new PictureInput(Fit.NONE, 1, Filter.BILINEAR, values);
  }

  /** One line, the same for the same preparation. */
  public String text() {
    return (fit == Fit.NONE ? "" : "size=%d,filter=%s,".formatted(side, Words.of(filter)))
        + "resize=%s,values=%s".formatted(Words.of(fit), Words.of(values));
  }

  /**
   * Prepares a frame.
   *
   * @return values [1, 3, H, W]
   */
  public PictureValues apply(RgbPicture picture) {
    PictureValues resized = resized(picture);
    PictureValues cut = fit.isCut() ? cut(resized) : resized;
    values.normalisation().ifPresent(each -> normalise(cut, each));
    return cut;
  }

  private static void normalise(PictureValues picture, Normalisation by) {
    float[] data = picture.data();
    int plane = picture.size().pixels();
    for (int c = 0; c < RgbPicture.CHANNELS; c++) {
      float mean = by.mean().get(c).floatValue();
      float deviation = by.std().get(c).floatValue();
      for (int i = c * plane; i < (c + 1) * plane; i++) {
        data[i] = (data[i] - mean) / deviation;
      }
    }
  }

  private PictureValues resized(RgbPicture picture) {
    float[] levels = values.levels();
    return switch (filter) {
      case BILINEAR -> TorchResize.BILINEAR.resize(picture, sizeOf(picture), levels);
      case BICUBIC -> TorchResize.BICUBIC.resize(picture, sizeOf(picture), levels);
      case PILLOW_BICUBIC ->
          new ClipImageProcessor(
                  Optional.of(Resize.shortestEdge(side, ResampleFilter.BICUBIC)),
                  Optional.empty(),
                  values == Values.BYTES ? 1 : ClipImageProcessor.FULL_SCALE,
                  Optional.empty())
              .values(picture);
    };
  }

  private PictureSize sizeOf(RgbPicture picture) {
    return fit.resized(picture.size(), side);
  }

  private PictureValues cut(PictureValues picture) {
    int left = fit.margin(picture.width(), side);
    int top = fit.margin(picture.height(), side);
    var data = new float[RgbPicture.CHANNELS * side * side];
    for (int row = 0; row < RgbPicture.CHANNELS * side; row++) {
      int channel = row / side;
      int from = (channel * picture.height() + top + row % side) * picture.width() + left;
      System.arraycopy(picture.data(), from, data, row * side, side);
    }
    return new PictureValues(data, new PictureSize(side, side));
  }
}
