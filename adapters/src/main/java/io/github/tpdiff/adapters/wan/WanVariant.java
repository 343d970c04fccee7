package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.ClipImageProcessorConfig;
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
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The published models, told apart by their networks, and how their authors sample them (Wan 2.1
 * and 2.2, {@code wan/configs}, {@code generate.py}).
 */
enum WanVariant {
  /** Wan 2.1 T2V. */
  TEXT("Wan 2.1 T2V", 3, 5),

  /** Wan 2.1 I2V; at 720p the authors' shift is 5. */
  PICTURE("Wan 2.1 I2V", 3, 3),

  /** Wan 2.1 FLF2V. */
  FIRST_AND_LAST("Wan 2.1 FLF2V", 16, 16),

  /** Wan 2.2 TI2V-5B. */
  GIVEN_FRAME("Wan 2.2 TI2V-5B", 5, 5),

  /** Wan 2.2 T2V-A14B. */
  TWO_EXPERTS_TEXT("Wan 2.2 T2V-A14B", 3, 12),

  /** Wan 2.2 I2V-A14B. */
  TWO_EXPERTS_PICTURE("Wan 2.2 I2V-A14B", 3, 5);

  private static final double TIMES = 1000;

  private final String label;
  private final double shift;
  private final double originalShift;

  WanVariant(String label, double shift, double originalShift) {
    this.label = label;
    this.shift = shift;
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
    return config.timesteps() == Timesteps.PER_FRAME
        ? GIVEN_FRAME
        : ofFields(WanSizes.config(config), two);
  }

  /**
   * The model of a transformer by the fields of its {@code config.json} in diffusers' layout.
   *
   * @param two whether it is one of two
   */
  static WanVariant ofFields(Map<String, Object> fields, boolean two) {
    Object channels = fields.get("in_channels");
    if (Objects.equals(channels, fields.get("out_channels"))) {
      boolean given = Objects.equals(channels, WanTransformerConfig.GIVEN_FRAMES_CHANNELS);
      return given ? GIVEN_FRAME : two ? TWO_EXPERTS_TEXT : TEXT;
    }
    if (two || !fields.containsKey("image_dim")) {
      return TWO_EXPERTS_PICTURE;
    }
    return fields.containsKey("pos_embed_seq_len") ? FIRST_AND_LAST : PICTURE;
  }

  /** The model of a flow, as it is told of pictures and has denoisers. */
  static WanVariant of(Flow flow) {
    boolean two = flow.denoisers().size() == 2;
    Optional<PictureUse> pictures = flow.pictures();
    if (pictures.isEmpty()) {
      return two ? TWO_EXPERTS_TEXT : TEXT;
    }
    if (pictures.get().given() == Given.FIRST_FRAME) {
      return GIVEN_FRAME;
    }
    boolean both = pictures.get().last() == Last.ALWAYS;
    return two ? TWO_EXPERTS_PICTURE : both ? FIRST_AND_LAST : PICTURE;
  }

  /** Its authors' name for it. */
  String label() {
    return label;
  }

  /** What is made where nothing is said. */
  Defaults defaults() {
    return switch (this) {
      case TEXT -> new Defaults(480, 832, 81, 16, 50, 5);
      case PICTURE -> new Defaults(480, 832, 81, 16, 40, 5);
      case FIRST_AND_LAST -> new Defaults(720, 1280, 81, 16, 50, 5.5);
      case GIVEN_FRAME -> new Defaults(704, 1280, 121, 24, 50, 5);
      case TWO_EXPERTS_TEXT -> new Defaults(480, 832, 81, 16, 40, 4);
      case TWO_EXPERTS_PICTURE -> new Defaults(480, 832, 81, 16, 40, 3.5);
    };
  }

  /** {@code scheduler_config.json} as diffusers' folders have it. */
  Map<String, Object> scheduler() {
    return WanDefaults.scheduler(shift);
  }

  /**
   * The files around a model in diffusers' layout, by their paths in its folder.
   *
   * @param pictureSide of what its image encoder sees, if it has one
   */
  Map<String, Map<String, ?>> surroundings(Optional<Integer> pictureSide) {
    Map<String, Map<String, ?>> files = new TreeMap<>();
    files.put(WanFolder.INDEX, modelIndex());
    files.put("scheduler/scheduler_config.json", scheduler());
    pictureSide.ifPresent(
        side ->
            files.put(
                "image_processor/" + ClipImageProcessorConfig.FILE,
                ClipImageProcessorConfig.fields(side)));
    return files;
  }

  private Map<String, Object> modelIndex() {
    Map<String, Object> fields = new TreeMap<>();
    boolean pictures = List.of(PICTURE, FIRST_AND_LAST, TWO_EXPERTS_PICTURE).contains(this);
    fields.put("_class_name", pictures ? "WanImageToVideoPipeline" : "WanPipeline");
    fields.put("_diffusers_version", WanSizes.DIFFUSERS);
    fields.put("scheduler", List.of("diffusers", "UniPCMultistepScheduler"));
    fields.put("text_encoder", List.of("transformers", "UMT5EncoderModel"));
    fields.put("tokenizer", List.of("transformers", "T5TokenizerFast"));
    fields.put(WanFlow.TRANSFORMER, List.of("diffusers", "WanTransformer3DModel"));
    fields.put("vae", List.of("diffusers", "AutoencoderKLWan"));
    if (this == PICTURE || this == FIRST_AND_LAST) {
      fields.put(WanFlow.IMAGE_ENCODER, List.of("transformers", "CLIPVisionModel"));
      fields.put("image_processor", List.of("transformers", "CLIPImageProcessor"));
    }
    if (this == GIVEN_FRAME) {
      fields.put(WanTransformerConfig.EXPAND_TIMESTEPS, true);
    }
    if (this == TWO_EXPERTS_TEXT || this == TWO_EXPERTS_PICTURE) {
      fields.put(WanFlow.TRANSFORMER_2, List.of("diffusers", "WanTransformer3DModel"));
      fields.put(WanFolder.BOUNDARY, publishedBoundary());
    }
    return fields;
  }

  private double publishedBoundary() {
    return this == TWO_EXPERTS_PICTURE ? 0.9 : 0.875;
  }

  Map<String, Object> originalScheduler() {
    return WanDefaults.originalScheduler(originalShift);
  }

  Map<String, Map<String, Object>> schedulers() {
    return WanDefaults.schedulers(shift, originalShift);
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
            boundary.orElse(publishedBoundary()) * TIMES,
            Optional.empty(),
            Optional.empty()),
        new Flow.Expert(WanFlow.TRANSFORMER_2, 0, lowGuidance, Optional.empty()));
  }
}
