package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.model.ConfigException;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.picture.ClipImageProcessor;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.ResampleFilter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Reads the {@code preprocessor_config.json} of a CLIP vision encoder; what it does not say is as
 * in transformers' {@code CLIPImageProcessor}.
 */
public final class ClipImageProcessorConfig {
  public static final String FILE = "preprocessor_config.json";
  private static final int PUBLISHED_SIDE = 224;
  private static final String SIZE = "size";
  private static final String CROP = "crop_size";
  private static final String SHORTEST = "shortest_edge";

  private ClipImageProcessorConfig() {}

  /**
   * Reads the file, or the one in a folder of that name.
   *
   * @throws ConfigException if a field is of another kind, or means what is not known here
   */
  public static ClipImageProcessor open(Path path) {
    return read(ConfigFile.open(Files.isDirectory(path) ? path.resolve(FILE) : path));
  }

  /**
   * The same for an encoder of square pictures; without a file, as is published.
   *
   * @param side of what the encoder takes
   * @throws ConfigException also if pictures come to another size
   */
  public static ClipImageProcessor open(Path path, int side) {
    ConfigFile config = ConfigFile.open(Files.isDirectory(path) ? path.resolve(FILE) : path);
    if (config.fields().isEmpty()) {
      return ClipImageProcessor.ofSize(side);
    }
    ClipImageProcessor processor = read(config);
    Optional<PictureSize> size = processor.size();
    if (!size.equals(Optional.of(new PictureSize(side, side)))) {
      throw config.wrong(
          CROP,
          "%d x %d, as the image encoder's image_size has it".formatted(side, side),
          size.map(PictureSize::toString).orElse("none"));
    }
    return processor;
  }

  /** Reads an opened configuration, as {@link #open} does. */
  public static ClipImageProcessor read(ConfigFile config) {
    for (String field : List.of("image_processor_type", "feature_extractor_type")) {
      config
          .findString(field)
          .filter(type -> !type.startsWith("CLIP"))
          .ifPresent(
              type -> {
                throw config.wrong(field, "CLIPImageProcessor", type);
              });
    }
    return config.checked(
        () ->
            new ClipImageProcessor(
                ifAsked(config, "do_resize").map(yes -> resize(config)),
                ifAsked(config, "do_center_crop").map(yes -> crop(config)),
                ifAsked(config, "do_rescale")
                    .map(yes -> config.findDouble("rescale_factor"))
                    .map(factor -> factor.orElse(ClipImageProcessor.FULL_SCALE))
                    .orElse(1.0),
                ifAsked(config, "do_normalize").map(yes -> normalisation(config))));
  }

  /** The fields that are published, for square pictures of a size. */
  public static Map<String, Object> fields(int side) {
    var published = ClipImageProcessor.Normalisation.OPENAI;
    Map<String, Object> square = Map.of("height", side, "width", side);
    Map<String, Object> fields = new TreeMap<>();
    fields.put(CROP, square);
    fields.put("do_center_crop", true);
    fields.put("do_convert_rgb", true);
    fields.put("do_normalize", true);
    fields.put("do_rescale", true);
    fields.put("do_resize", true);
    fields.put("image_mean", published.mean());
    fields.put("image_processor_type", "CLIPImageProcessor");
    fields.put("image_std", published.std());
    fields.put("resample", 3);
    fields.put("rescale_factor", ClipImageProcessor.FULL_SCALE);
    fields.put(SIZE, Map.of(SHORTEST, side));
    return fields;
  }

  /** Each step is taken unless it is said not to be. */
  private static Optional<Boolean> ifAsked(ConfigFile config, String step) {
    return Optional.of(config.findFlag(step).orElse(true)).filter(yes -> yes);
  }

  private static ClipImageProcessor.Resize resize(ConfigFile config) {
    ResampleFilter filter = filter(config);
    Optional<ConfigFile> size = config.findGroup(SIZE);
    if (size.isEmpty()) {
      int edge = config.findInt(SIZE).orElse(PUBLISHED_SIDE);
      return ClipImageProcessor.Resize.shortestEdge(edge, filter);
    }
    for (String other : List.of("longest_edge", "max_height", "max_width")) {
      size.get()
          .findAny(other)
          .ifPresent(
              found -> {
                throw size.get().wrong(other, "none, but " + SHORTEST + " or both sides", found);
              });
    }
    Optional<Integer> shortest = size.get().findInt(SHORTEST);
    return shortest.isPresent()
        ? ClipImageProcessor.Resize.shortestEdge(shortest.get(), filter)
        : ClipImageProcessor.Resize.to(both(size.get()), filter);
  }

  private static ResampleFilter filter(ConfigFile config) {
    Optional<Double> number = config.findDouble("resample");
    if (number.isEmpty()) {
      return ResampleFilter.BICUBIC;
    }
    return ResampleFilter.find(number.get())
        .orElseThrow(
            () -> config.wrong("resample", "1, 2 or 3 (Lanczos, bilinear, bicubic)", number.get()));
  }

  private static PictureSize crop(ConfigFile config) {
    Optional<ConfigFile> size = config.findGroup(CROP);
    if (size.isPresent()) {
      return both(size.get());
    }
    int side = config.findInt(CROP).orElse(PUBLISHED_SIDE);
    return new PictureSize(side, side);
  }

  private static PictureSize both(ConfigFile size) {
    return new PictureSize(side(size, "width"), side(size, "height"));
  }

  private static int side(ConfigFile size, String field) {
    return size.findInt(field).orElseThrow(() -> size.wrong(field, "a length in pixels", "none"));
  }

  private static ClipImageProcessor.Normalisation normalisation(ConfigFile config) {
    var published = ClipImageProcessor.Normalisation.OPENAI;
    return new ClipImageProcessor.Normalisation(
        config.findDoubles("image_mean").orElse(published.mean()),
        config.findDoubles("image_std").orElse(published.std()));
  }
}
