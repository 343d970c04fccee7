package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.evaluation.metric.PictureInput.Filter;
import io.github.tpdiff.evaluation.metric.PictureInput.Fit;
import io.github.tpdiff.evaluation.metric.PictureInput.Values;
import io.github.tpdiff.runtime.diffusion.Words;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a network takes whose features are compared, as the user declares it.
 *
 * @param layout of its input
 * @param picture how each frame is prepared
 */
public record FeatureInput(Layout layout, PictureInput picture) {
  /** In what order the axes lie. */
  public enum Layout {
    /** Clips [1, 3, T, H, W]. */
    BCTHW,
    /** Clips [1, T, 3, H, W]. */
    BTCHW,
    /** Pictures [1, 3, H, W]: every frame by itself is a row. */
    BCHW
  }

  private static final String LAYOUT = "layout";
  private static final String RESIZE = "resize";
  private static final String SIZE = "size";
  private static final String FILTER = "filter";
  private static final String VALUES = "values";

  /** Where the user does not say: a clip of 224 x 224 from -1 to 1. */
  private static final Map<String, String> DEFAULTS =
      Map.of(LAYOUT, "bcthw", RESIZE, "stretch", SIZE, "224", FILTER, "bilinear", VALUES, "signed");

  /**
   * Reads a declaration such as {@code layout=bcthw,size=224,resize=crop,values=imagenet}.
   *
   * @throws IllegalArgumentException if a key or word is not known, naming those there are
   */
  public static FeatureInput parse(String text) {
    var said = new LinkedHashMap<>(DEFAULTS);
    for (String part : text.isBlank() ? new String[0] : text.split(",")) {
      String[] pair = part.split("=", 2);
      String key = pair[0].strip();
      if (pair.length < 2 || !DEFAULTS.containsKey(key)) {
        throw new IllegalArgumentException(
            "features input: expected key=word with one of layout, resize, size, filter, values, found '%s'"
                .formatted(part));
      }
      said.put(key, pair[1].strip());
    }
    return new FeatureInput(
        word(said, LAYOUT, Layout.class),
        new PictureInput(
            word(said, RESIZE, Fit.class),
            side(String.valueOf(said.get(SIZE))),
            word(said, FILTER, Filter.class),
            word(said, VALUES, Values.class)));
  }

  private static <E extends Enum<E>> E word(Map<String, String> said, String key, Class<E> type) {
    try {
      return new Words<>(type).require(String.valueOf(said.get(key)).replace('-', '_'));
    } catch (IllegalArgumentException unknown) {
      throw new IllegalArgumentException(
          "features input: %s: %s".formatted(key, unknown.getMessage()), unknown);
    }
  }

  private static int side(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException unread) {
      throw new IllegalArgumentException(
          "features input: size: expected a number of pixels, found '%s'".formatted(text), unread);
    }
  }

  /** The distance by a network's features. */
  FeatureDistance distance(NetworkFile network, WindowPlan windows) {
    boolean isPicture = layout == Layout.BCHW;
    FeatureExtractor features =
        isPicture
            ? new PictureFeatures(network, picture, windows.fps())
            : new WindowFeatures(
                network,
                picture,
                layout == Layout.BCTHW ? WindowFeatures.Layout.BCTHW : WindowFeatures.Layout.BTCHW,
                windows,
                Map.of());
    return new FeatureDistance(
        "Fréchet distance of " + network.file().getFileName(),
        features,
        "%s, layout=%s; %s"
            .formatted(
                picture.text(),
                Words.of(layout),
                isPicture ? "every frame" : "windows " + windows.text()));
  }
}
