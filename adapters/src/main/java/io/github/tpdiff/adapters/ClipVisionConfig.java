package io.github.tpdiff.adapters;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Sizes of a CLIP image encoder.
 *
 * @param layers of the whole network, the last of which video models do not use
 * @param imageSize height and width of its pictures, a multiple of the patches' {@code patchSize}
 * @param activation of the feed-forward layers
 */
public record ClipVisionConfig(
    int width,
    int layers,
    int heads,
    int ffnDim,
    int imageSize,
    int patchSize,
    UnaryKind activation,
    double eps) {
  /** ViT-H/14 of open-clip, which Wan 2.1 reads pictures with. */
  public static final ClipVisionConfig PUBLISHED =
      new ClipVisionConfig(1280, 32, 16, 5120, 224, 14, UnaryKind.GELU_ERF, 1e-5);

  /** What the authors' file of it does not tell: constants of their code. */
  public static final Map<String, Object> ORIGINAL =
      Map.of("hidden_act", "gelu", "num_attention_heads", PUBLISHED.heads());

  /**
   * @throws IllegalArgumentException if the sizes do not fit together
   */
  public ClipVisionConfig {
    checkArgument(
        heads >= 1 && width % heads == 0,
        "num_attention_heads: expected a divisor of hidden_size %s, found %s",
        width,
        heads);
    checkArgument(layers >= 2, "num_hidden_layers: expected 2 or more, found %s", layers);
    checkArgument(
        imageSize % patchSize == 0,
        "image_size: expected a multiple of patch_size %s, found %s",
        patchSize,
        imageSize);
  }

  /** From the tensors, and a configuration that says what they do not. */
  public static ClipVisionConfig read(ConfigFile config, TensorSource weights) {
    var sizes = new CheckpointSizes(config, weights);
    int width = sizes.of(ClipVisionModel.POSITIONS, 1, "hidden_size");
    int patch = sizes.of(ClipVisionModel.PATCHES, 2, "patch_size");
    int patches = sizes.of(ClipVisionModel.POSITIONS, 0) - 1;
    int side = (int) Math.sqrt((double) patches);
    if (side * side != patches || side == 0) {
      throw config.wrong(
          "image_size",
          "1 + a square of positions in '%s'".formatted(ClipVisionModel.POSITIONS),
          1 + patches);
    }
    int imageSize = Math.multiplyExact(side, patch);
    sizes.agree(imageSize, "as the positions and patches have it", "image_size");
    return config.checked(
        () ->
            new ClipVisionConfig(
                width,
                layers(sizes),
                config
                    .findInt("num_attention_heads")
                    .orElseThrow(
                        () -> config.wrong("num_attention_heads", "the number of heads", "none")),
                sizes.of(
                    ClipVisionModel.LAYERS.formatted(0) + ".mlp.fc1.weight",
                    0,
                    "intermediate_size"),
                imageSize,
                patch,
                ClipTextConfig.activation(config),
                config.findEps("layer_norm_eps").orElse(PUBLISHED.eps())));
  }

  /** The last layer may be left out of a checkpoint, as nothing reads it. */
  private static int layers(CheckpointSizes sizes) {
    int there = sizes.count(ClipVisionModel.LAYERS + ".layer_norm1.weight");
    int said = sizes.config().findInt("num_hidden_layers").orElse(there);
    if (said != there && said != there + 1) {
      throw sizes.config().wrong("num_hidden_layers", there + ", those in the checkpoint", said);
    }
    return said;
  }

  /** Rows of a picture: its class and its patches. */
  public int rows() {
    int side = imageSize / patchSize;
    return 1 + side * side;
  }

  /** Layers whose states are read. */
  int usedLayers() {
    return layers - 1;
  }

  /** The fields of {@code config.json} as published. */
  public Map<String, Object> fields() {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("architectures", List.of("CLIPVisionModel"));
    fields.put("hidden_act", ClipTextConfig.name(activation));
    fields.put("hidden_size", width);
    fields.put("image_size", imageSize);
    fields.put("intermediate_size", ffnDim);
    fields.put("layer_norm_eps", eps);
    fields.put("model_type", "clip_vision_model");
    fields.put("num_attention_heads", heads);
    fields.put("num_channels", 3);
    fields.put("num_hidden_layers", layers);
    fields.put("patch_size", patchSize);
    return fields;
  }
}
