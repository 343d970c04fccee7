package io.github.tpdiff.runtime.picture;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.picture.ResampleTaps.Span;
import java.util.List;
import java.util.Optional;

/**
 * How pictures become the input of a CLIP vision encoder.
 *
 * @param resize to what size, if at all
 * @param crop the middle that is left of it, if cut; what is smaller is padded with zeros
 * @param rescale by what bytes are multiplied
 * @param normalisation what is then done to each channel, if anything
 */
public record ClipImageProcessor(
    Optional<Resize> resize,
    Optional<PictureSize> crop,
    double rescale,
    Optional<Normalisation> normalisation) {
  /** From bytes to [0, 1]. */
  public static final double FULL_SCALE = 1 / 255.0;

  private static final PictureSize SQUARE = new PictureSize(1, 1);

  public ClipImageProcessor {
    checkArgument(
        Double.isFinite(rescale) && rescale > 0,
        "rescale_factor: expected a positive number, found %s",
        rescale);
  }

  /** The processor of OpenAI's models for square inputs of a size; published ones take 224. */
  public static ClipImageProcessor ofSize(int side) {
    return new ClipImageProcessor(
        Optional.of(Resize.shortestEdge(side, ResampleFilter.BICUBIC)),
        Optional.of(new PictureSize(side, side)),
        FULL_SCALE,
        Optional.of(Normalisation.OPENAI));
  }

  /** The size of what comes out, where that is the same for all pictures. */
  public Optional<PictureSize> size() {
    return crop.or(() -> resize.flatMap(Resize::size));
  }

  /**
   * To what size pictures are resized: one of both.
   *
   * @param shortestEdge length of the shorter side, the other in proportion
   * @param size what every picture gets
   * @param filter the weights
   */
  public record Resize(
      Optional<Integer> shortestEdge, Optional<PictureSize> size, ResampleFilter filter) {
    /** Times the longest side of a picture it is still an int. */
    private static final int LARGEST = 1 << 14;

    public Resize {
      checkArgument(
          shortestEdge.isPresent() != size.isPresent(),
          "size: expected shortest_edge or both sides, found %s and %s",
          shortestEdge,
          size);
      shortestEdge.ifPresent(
          edge ->
              checkArgument(
                  edge >= 1 && edge <= LARGEST,
                  "shortest_edge: expected 1 to %s, found %s",
                  LARGEST,
                  edge));
    }

    /** The shorter side to a length. */
    public static Resize shortestEdge(int edge, ResampleFilter filter) {
      return new Resize(Optional.of(edge), Optional.empty(), filter);
    }

    /** Both sides to lengths of their own. */
    public static Resize to(PictureSize size, ResampleFilter filter) {
      return new Resize(Optional.empty(), Optional.of(size), filter);
    }

    /** Width that a picture gets. */
    int width(PictureSize picture) {
      return size.map(PictureSize::width)
          .orElseGet(() -> scaled(picture.width(), picture.height()));
    }

    /** Height that a picture gets. */
    int height(PictureSize picture) {
      return size.map(PictureSize::height)
          .orElseGet(() -> scaled(picture.height(), picture.width()));
    }

    private int scaled(int side, int other) {
      int edge = shortestEdge.orElseThrow();
      return side <= other ? edge : (int) ((double) edge * side / other);
    }
  }

  /**
   * (x − mean) / std.
   *
   * @param mean of red, green and blue
   * @param std likewise, positive
   */
  public record Normalisation(List<Double> mean, List<Double> std) {
    public static final Normalisation OPENAI =
        new Normalisation(
            List.of(0.48145466, 0.4578275, 0.40821073),
            List.of(0.26862954, 0.26130258, 0.27577711));

    public Normalisation {
      mean = List.copyOf(mean);
      std = List.copyOf(std);
      requireChannels("image_mean", mean);
      requireChannels("image_std", std);
      checkArgument(
          std.stream().allMatch(value -> value > 0),
          "image_std: expected positive numbers, found %s",
          std);
    }

    private static void requireChannels(String field, List<Double> values) {
      checkArgument(
          values.size() == RgbPicture.CHANNELS && values.stream().allMatch(Double::isFinite),
          "%s: expected %s finite numbers, found %s",
          field,
          RgbPicture.CHANNELS,
          values);
    }

    private float of(int channel, float value) {
      return (value - mean.get(channel).floatValue()) / std.get(channel).floatValue();
    }
  }

  /**
   * Resizes on bytes as Pillow does, cuts, rescales and normalises. Source: transformers, {@code
   * CLIPImageProcessor} with its Pillow backend.
   *
   * @return values [1, 3, H, W]
   * @throws IllegalArgumentException if the result would be too large
   */
  public PictureValues values(RgbPicture picture) {
    var tables = new float[RgbPicture.CHANNELS][256];
    for (int c = 0; c < RgbPicture.CHANNELS; c++) {
      for (int i = 0; i < tables[c].length; i++) {
        tables[c][i] = normalised(c, (float) (i * rescale));
      }
    }
    return PictureValues.of(padded(resized(picture)), tables);
  }

  /**
   * Squashes the whole picture to what else would be cut out of it, on floats and without clamping,
   * and normalises. Source: Wan2.1, {@code wan/modules/clip.py}.
   *
   * @return values [1, 3, H, W]
   */
  public PictureValues squashed(RgbPicture picture) {
    PictureSize size =
        crop.orElseGet(
            () ->
                resize
                    .map(to -> new PictureSize(to.width(SQUARE), to.height(SQUARE)))
                    .orElse(picture.size()));
    PictureValues squashed = TorchResize.BICUBIC.resize(picture, size, PictureGeometry.levels());
    float[] data = squashed.data();
    int plane = squashed.size().pixels();
    for (int i = 0; i < data.length; i++) {
      data[i] = normalised(i / plane, data[i] * 0.5f + 0.5f);
    }
    return squashed;
  }

  private float normalised(int channel, float value) {
    return normalisation.map(each -> each.of(channel, value)).orElse(value);
  }

  /** Resized, and cut where it is longer than the crop. */
  private RgbPicture resized(RgbPicture picture) {
    int width = resize.map(to -> to.width(picture.size())).orElse(picture.width());
    int height = resize.map(to -> to.height(picture.size())).orElse(picture.height());
    return new PillowResize(
            width, height, resize.map(Resize::filter).orElse(ResampleFilter.BICUBIC))
        .apply(
            picture,
            crop.map(cut -> Span.middle(width, cut.width())).orElse(Span.whole(width)),
            crop.map(cut -> Span.middle(height, cut.height())).orElse(Span.whole(height)));
  }

  private RgbPicture padded(RgbPicture picture) {
    if (crop.isEmpty() || crop.get().equals(picture.size())) {
      return picture;
    }
    PictureSize size = crop.get();
    var canvas = new byte[RgbPicture.CHANNELS * size.pixels()];
    int left = (size.width() - picture.width() + 1) / 2;
    int top = (size.height() - picture.height() + 1) / 2;
    int row = RgbPicture.CHANNELS * picture.width();
    for (int y = 0; y < picture.height(); y++) {
      int at = RgbPicture.CHANNELS * ((top + y) * size.width() + left);
      System.arraycopy(picture.rgb(), y * row, canvas, at, row);
    }
    return new RgbPicture(canvas, size);
  }
}
