package io.github.tpdiff.adapters;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Sizes of a CLIP text model.
 *
 * @param positions rows of the position table: the most tokens of a prompt
 * @param activation of the feed-forward layers
 * @param eosToken the id whose state is the pooled one; 2 stands for the highest id of the prompt
 */
public record ClipTextConfig(
    int vocabulary,
    int positions,
    int width,
    int layers,
    int heads,
    int ffnDim,
    UnaryKind activation,
    double eps,
    int eosToken) {
  /** The text model of Stable Diffusion 1.5, ViT-L/14's. */
  public static final ClipTextConfig PUBLISHED =
      new ClipTextConfig(49_408, 77, 768, 12, 12, 3072, UnaryKind.QUICK_GELU, 1e-5, 2);

  /** What configurations written before the field meant anything hold. */
  static final int HIGHEST_ID = 2;

  private static final int HEAD_DIM = 64;

  /**
   * @throws IllegalArgumentException if the width does not divide into the heads
   */
  public ClipTextConfig {
    checkArgument(
        heads >= 1 && width % heads == 0,
        "num_attention_heads: expected a divisor of hidden_size %s, found %s",
        width,
        heads);
  }

  /** From the tensors, and a configuration where there is one. */
  public static ClipTextConfig read(ConfigFile config, TensorSource weights) {
    var sizes = new CheckpointSizes(config, weights);
    int vocabulary = sizes.of(ClipTextModel.TOKENS, 0, "vocab_size");
    int width = sizes.of(ClipTextModel.TOKENS, 1, "hidden_size");
    return new ClipTextConfig(
        vocabulary,
        sizes.of(ClipTextModel.POSITIONS, 0, "max_position_embeddings"),
        width,
        sizes.count(ClipTextModel.LAYERS + ".layer_norm1.weight", "num_hidden_layers"),
        heads(config, width),
        sizes.of(ClipTextModel.layer(0) + ".mlp.fc1.weight", 0, "intermediate_size"),
        activation(config),
        config.findEps("layer_norm_eps").orElse(PUBLISHED.eps()),
        config.findInt("eos_token_id").orElse(HIGHEST_ID));
  }

  private static int heads(ConfigFile config, int width) {
    int heads = config.findInt("num_attention_heads").orElse(Math.max(1, width / HEAD_DIM));
    if (width % heads != 0) {
      throw config.wrong("num_attention_heads", "a divisor of hidden_size " + width, heads);
    }
    return heads;
  }

  /** That of CLIP's configurations, which say nothing of the usual one. */
  static UnaryKind activation(ConfigFile config) {
    String name = config.findString("hidden_act").orElse("quick_gelu");
    return switch (name) {
      case "quick_gelu" -> UnaryKind.QUICK_GELU;
      case "gelu" -> UnaryKind.GELU_ERF;
      default -> throw config.wrong("hidden_act", "quick_gelu or gelu", name);
    };
  }

  static String name(UnaryKind activation) {
    return activation == UnaryKind.QUICK_GELU ? "quick_gelu" : "gelu";
  }

  /** The fields of {@code config.json} as published. */
  public Map<String, Object> fields() {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("architectures", List.of("CLIPTextModel"));
    fields.put("bos_token_id", 0);
    fields.put("eos_token_id", eosToken);
    fields.put("hidden_act", name(activation));
    fields.put("hidden_size", width);
    fields.put("intermediate_size", ffnDim);
    fields.put("layer_norm_eps", eps);
    fields.put("max_position_embeddings", positions);
    fields.put("model_type", "clip_text_model");
    fields.put("num_attention_heads", heads);
    fields.put("num_hidden_layers", layers);
    fields.put("pad_token_id", 1);
    fields.put("vocab_size", vocabulary);
    return fields;
  }
}
