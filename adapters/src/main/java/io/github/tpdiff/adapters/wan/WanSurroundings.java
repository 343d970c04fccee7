package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.ClipImageProcessorConfig;
import io.github.tpdiff.adapters.ClipVisionConfig;
import io.github.tpdiff.runtime.model.ConvertedNetwork;
import io.github.tpdiff.weights.layout.Network;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What lies around the networks of a model in diffusers' layout. */
final class WanSurroundings {
  private static final String DIFFUSERS = "diffusers";
  private static final String TRANSFORMERS = "transformers";
  private static final List<String> TRANSFORMER = List.of(DIFFUSERS, "WanTransformer3DModel");

  /** What an index has of a component that the model is without. */
  private static final List<String> NONE = Arrays.asList(null, null);

  private WanSurroundings() {}

  /**
   * The files around a model, by their paths in its folder.
   *
   * @param pictureSide of the image encoder's pictures, if it has one
   */
  static Map<String, Map<String, ?>> of(WanVariant variant, Optional<Integer> pictureSide) {
    Map<String, Map<String, ?>> files = new LinkedHashMap<>();
    files.put("model_index.json", index(variant));
    files.put("scheduler/scheduler_config.json", WanDefaults.scheduler(variant.diffusersShift()));
    pictureSide.ifPresent(
        side ->
            files.put(
                "image_processor/" + ClipImageProcessorConfig.FILE,
                ClipImageProcessorConfig.fields(side)));
    return files;
  }

  /** The files around networks that were converted; none without a transformer. */
  static Map<String, Map<String, ?>> of(List<ConvertedNetwork> networks) {
    Optional<Map<?, ?>> transformer =
        networks.stream()
            .filter(converted -> converted.network() == Network.WAN_TRANSFORMER)
            .<Map<?, ?>>map(ConvertedNetwork::config)
            .findFirst();
    if (transformer.isEmpty()) {
      return Map.of();
    }
    boolean two =
        networks.stream().anyMatch(converted -> converted.folder().equals(WanFlow.TRANSFORMER_2));
    WanVariant variant = WanVariant.of(transformer.get(), two);
    return of(
        variant, variant.hasImageEncoder() ? Optional.of(pictureSide(networks)) : Optional.empty());
  }

  private static int pictureSide(List<ConvertedNetwork> networks) {
    return networks.stream()
        .filter(converted -> converted.network() == Network.CLIP_VISION_ENCODER)
        .map(converted -> converted.config().get("image_size"))
        .filter(Number.class::isInstance)
        .map(side -> ((Number) side).intValue())
        .findFirst()
        .orElse(ClipVisionConfig.PUBLISHED.imageSize());
  }

  private static Map<String, Object> index(WanVariant variant) {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("_class_name", variant.needsPicture() ? "WanImageToVideoPipeline" : "WanPipeline");
    fields.put("_diffusers_version", WanSizes.DIFFUSERS);
    fields.put("scheduler", List.of(DIFFUSERS, "UniPCMultistepScheduler"));
    fields.put("text_encoder", List.of(TRANSFORMERS, "UMT5EncoderModel"));
    fields.put("tokenizer", List.of(TRANSFORMERS, "T5TokenizerFast"));
    fields.put("transformer", TRANSFORMER);
    fields.put("vae", List.of(DIFFUSERS, "AutoencoderKLWan"));
    if (variant.needsPicture()) {
      boolean encoder = variant.hasImageEncoder();
      fields.put("image_encoder", encoder ? List.of(TRANSFORMERS, "CLIPVisionModel") : NONE);
      fields.put("image_processor", encoder ? List.of(TRANSFORMERS, "CLIPImageProcessor") : NONE);
    }
    if (variant.isOfSecondGeneration()) {
      fields.put(WanFolder.BOUNDARY, variant.boundary().orElse(null));
      fields.put(WanTransformerConfig.EXPAND_TIMESTEPS, variant == WanVariant.GIVEN_FRAME);
      fields.put("transformer_2", variant.boundary().isPresent() ? TRANSFORMER : NONE);
    }
    return fields;
  }
}
