package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription.Defaults;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.PictureUse.EncoderPictures;
import io.github.tpdiff.runtime.model.PictureUse.Given;
import io.github.tpdiff.runtime.model.PictureUse.Last;
import io.github.tpdiff.runtime.picture.ClipImageProcessor;
import io.github.tpdiff.runtime.picture.PictureGeometry;
import io.github.tpdiff.runtime.picture.PictureSizeRule;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The published models, told apart by their networks, and how their authors sample them (Wan 2.1
 * and 2.2, {@code wan/configs}, {@code generate.py}).
 */
enum WanVariant {
  /** Wan 2.1 T2V. */
  TEXT(new Defaults(480, 832, 81, 16, 50, 5), 5),

  /** Wan 2.1 I2V; at 720p the authors' shift is 5. */
  PICTURE(new Defaults(480, 832, 81, 16, 40, 5), 3),

  /** Wan 2.1 FLF2V. */
  FIRST_AND_LAST(new Defaults(720, 1280, 81, 16, 50, 5.5), 16),

  /** Wan 2.2 TI2V-5B. */
  GIVEN_FRAME(new Defaults(704, 1280, 121, 24, 50, 5), 5),

  /** Wan 2.2 T2V-A14B. */
  TWO_EXPERTS_TEXT(new Defaults(480, 832, 81, 16, 40, 4), 12),

  /** Wan 2.2 I2V-A14B. */
  TWO_EXPERTS_PICTURE(new Defaults(480, 832, 81, 16, 40, 3.5), 5);

  private static final double TIMES = 1000;

  private final Defaults defaults;
  private final double originalShift;

  WanVariant(Defaults defaults, double originalShift) {
    this.defaults = defaults;
    this.originalShift = originalShift;
  }

  /**
   * The model of a transformer; that of texts where there is none.
   *
   * @param two whether it is one of two
   */
  static WanVariant of(Optional<WanTransformerConfig> transformer, boolean two) {
    if (transformer.isEmpty()) {
      return two ? TWO_EXPERTS_TEXT : TEXT;
    }
    WanTransformerConfig config = transformer.get();
    if (config.timesteps() == Timesteps.PER_FRAME) {
      return GIVEN_FRAME;
    }
    if (config.conditionChannels() == 0) {
      return two ? TWO_EXPERTS_TEXT : TEXT;
    }
    if (two || config.image().isEmpty()) {
      return TWO_EXPERTS_PICTURE;
    }
    return config.image().get().positions().isPresent() ? FIRST_AND_LAST : PICTURE;
  }

  /**
   * The model of a transformer in diffusers' layout.
   *
   * @param config fields of its {@code config.json}
   * @param two whether it is one of two
   */
  static WanVariant of(Map<?, ?> config, boolean two) {
    Object in = config.get("in_channels");
    if (in != null && in.equals(config.get("out_channels"))) {
      boolean given =
          in instanceof Number channels
              && channels.intValue() == WanTransformerConfig.GIVEN_FRAMES_CHANNELS;
      return given ? GIVEN_FRAME : two ? TWO_EXPERTS_TEXT : TEXT;
    }
    if (two || config.get("image_dim") == null) {
      return in == null ? TEXT : TWO_EXPERTS_PICTURE;
    }
    return config.get("pos_embed_seq_len") == null ? PICTURE : FIRST_AND_LAST;
  }

  /** The shift of the schedule in diffusers' files. */
  double diffusersShift() {
    return switch (this) {
      case FIRST_AND_LAST, GIVEN_FRAME -> originalShift;
      default -> WanDefaults.SHIFT;
    };
  }

  /** Whether no video is made without a picture. */
  boolean needsPicture() {
    return hasImageEncoder() || this == TWO_EXPERTS_PICTURE;
  }

  boolean hasImageEncoder() {
    return this == PICTURE || this == FIRST_AND_LAST;
  }

  /** Whether it is of Wan 2.2. */
  boolean isOfSecondGeneration() {
    return this == GIVEN_FRAME || boundary().isPresent();
  }

  /** From which part of all times on the first of two transformers is asked. */
  Optional<Double> boundary() {
    return switch (this) {
      case TWO_EXPERTS_TEXT -> Optional.of(0.875);
      case TWO_EXPERTS_PICTURE -> Optional.of(0.9);
      default -> Optional.empty();
    };
  }

  /** What is made where nothing is said. */
  Defaults defaults() {
    return defaults;
  }

  Map<String, Object> originalScheduler() {
    return WanDefaults.originalScheduler(originalShift);
  }

  Map<String, Map<String, Object>> schedulers() {
    return WanDefaults.schedulers(originalShift);
  }

  /**
   * How pictures reach the network, if they do.
   *
   * @param original whether the model is in the authors' layout, whose code prepares them otherwise
   *     than diffusers
   * @param processor of the image encoder's pictures
   */
  Optional<PictureUse> pictures(boolean original, ClipImageProcessor processor) {
    return switch (this) {
      case TEXT, TWO_EXPERTS_TEXT -> Optional.empty();
      case PICTURE -> Optional.of(encoded(Last.NEVER, original, processor));
      case FIRST_AND_LAST -> Optional.of(encoded(Last.ALWAYS, original, processor));
      case TWO_EXPERTS_PICTURE -> Optional.of(clip(Last.OPTIONAL, original, Optional.empty()));
      case GIVEN_FRAME ->
          Optional.of(
              new PictureUse(
                  Given.FIRST_FRAME,
                  Last.NEVER,
                  original ? PictureGeometry.CROP : PictureGeometry.STRETCH,
                  original ? PictureSizeRule.NEAREST_SHAPE : PictureSizeRule.ROUNDED,
                  Optional.empty()));
    };
  }

  private static PictureUse encoded(Last last, boolean original, ClipImageProcessor processor) {
    return clip(last, original, Optional.of(new EncoderPictures(processor, original)));
  }

  private static PictureUse clip(Last last, boolean original, Optional<EncoderPictures> encoder) {
    return new PictureUse(
        Given.CLIP,
        last,
        original ? PictureGeometry.SQUASH : PictureGeometry.STRETCH,
        original ? PictureSizeRule.FLOORED : PictureSizeRule.ROUNDED,
        encoder);
  }

  /** A model's only denoiser. */
  static List<Flow.Expert> one() {
    return List.of(Flow.Expert.alone(WanFlow.TRANSFORMER));
  }

  /**
   * The two denoisers of a model, the first for high noise.
   *
   * @param boundary from which part of all times on the first is asked, where the files say so
   */
  List<Flow.Expert> two(Optional<Double> boundary) {
    Optional<Double> lowGuidance = this == TWO_EXPERTS_TEXT ? Optional.of(3.0) : Optional.empty();
    return List.of(
        new Flow.Expert(
            WanFlow.TRANSFORMER,
            boundary.or(this::boundary).orElseThrow() * TIMES,
            Optional.empty(),
            Optional.empty()),
        new Flow.Expert(WanFlow.TRANSFORMER_2, 0, lowGuidance, Optional.empty()));
  }
}
