package io.github.tpdiff.adapters.animatediff;

import com.google.common.collect.Lists;
import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sizes of a Stable Diffusion 1.5 UNet.
 *
 * @param widths channels of each level, finest first
 * @param layers residual blocks per level on the way down; one more on the way up
 * @param attentive whether each level attends, finest first
 * @param heads of every attention; published files call it {@code attention_head_dim}
 * @param statistics of the residual blocks' group norms
 */
record UnetConfig(
    List<Integer> widths,
    int layers,
    List<Boolean> attentive,
    int heads,
    int textDim,
    int channels,
    int normGroups,
    double normEps,
    NormStatistics statistics) {
  /** Stable Diffusion 1.5. */
  static final UnetConfig PUBLISHED =
      new UnetConfig(
          List.of(320, 640, 1280, 1280),
          2,
          List.of(true, true, true, false),
          8,
          768,
          4,
          32,
          1e-5,
          NormStatistics.FRAME);

  private static final String CROSS_DOWN = "CrossAttnDownBlock";
  private static final String CROSS_UP = "CrossAttnUpBlock";

  UnetConfig {
    widths = List.copyOf(widths);
    attentive = List.copyOf(attentive);
    if (widths.size() != attentive.size() || widths.isEmpty()) {
      throw new CheckpointException(
          "UNet: block_out_channels and down_block_types: expected as many of one as of the other,"
              + " found %s and %d".formatted(widths, attentive.size()));
    }
    for (int width : widths) {
      requireDivides("attention_head_dim (the number of heads)", heads, width);
      requireDivides("norm_num_groups", normGroups, width);
    }
    requireDivides("2", 2, widths.get(0));
  }

  private static void requireDivides(String field, int divisor, int width) {
    if (width % divisor != 0) {
      throw new CheckpointException(
          "UNet: block_out_channels: expected multiples of %s, found %d for %d"
              .formatted(field, width, divisor));
    }
  }

  int levels() {
    return widths.size();
  }

  /** Width of the timestep's embedding. */
  int timeWidth() {
    return 4 * widths.get(0);
  }

  /**
   * From a configuration; what it does not say is as the tensors or Stable Diffusion 1.5 have it.
   */
  static UnetConfig read(ConfigFile config, TensorSource weights, NormStatistics statistics) {
    refuseUnknownForms(config);
    List<Integer> widths = config.findInts("block_out_channels").orElseGet(() -> widths(weights));
    List<Boolean> attentive = attentive(config, widths.size());
    return new UnetConfig(
        widths,
        config.findInt("layers_per_block").orElseGet(() -> layers(weights)),
        attentive,
        config
            .findInt("num_attention_heads")
            .or(() -> config.findInt("attention_head_dim"))
            .orElse(8),
        textDim(config, weights, attentive),
        config.findInt("in_channels").orElseGet(() -> channels(weights)),
        config.findInt("norm_num_groups").orElse(32),
        config.findDouble("norm_eps").orElse(1e-5),
        statistics);
  }

  private static List<Integer> widths(TensorSource weights) {
    List<Integer> widths = new ArrayList<>();
    String first = "down_blocks.%d.resnets.0.conv1.weight";
    while (weights.find(first.formatted(widths.size())).isPresent()) {
      widths.add(extent(weights, first.formatted(widths.size()), 0));
    }
    return widths;
  }

  private static int layers(TensorSource weights) {
    int layers = 0;
    while (weights.find("down_blocks.0.resnets.%d.conv1.weight".formatted(layers)).isPresent()) {
      layers++;
    }
    return layers;
  }

  private static int channels(TensorSource weights) {
    return extent(weights, "conv_in.weight", 1);
  }

  private static int extent(TensorSource weights, String tensor, int axis) {
    List<Long> shape = weights.require(tensor).shape();
    if (shape.size() != 4) {
      throw new CheckpointException(
          "%s: tensor '%s': expected 4 dimensions, found %s"
              .formatted(weights.origin(), tensor, shape));
    }
    return Math.toIntExact(shape.get(axis));
  }

  /** Published configurations name the width; files in the original layout have none. */
  private static int textDim(ConfigFile config, TensorSource weights, List<Boolean> attentive) {
    return config
        .findInt("cross_attention_dim")
        .orElseGet(
            () -> {
              TensorInfo keys =
                  weights.require(
                      "down_blocks.%d.attentions.0.transformer_blocks.0.attn2.to_k.weight"
                          .formatted(Math.max(0, attentive.indexOf(true))));
              return Math.toIntExact(keys.shape().get(keys.shape().size() - 1));
            });
  }

  private static List<Boolean> attentive(ConfigFile config, int levels) {
    List<Boolean> down =
        config
            .findStrings("down_block_types")
            .map(types -> types.stream().map(type -> type.startsWith(CROSS_DOWN)).toList())
            .orElseGet(
                () -> IntStream.range(0, levels).mapToObj(level -> level < levels - 1).toList());
    config
        .findStrings("up_block_types")
        .map(types -> types.stream().map(type -> type.startsWith(CROSS_UP)).toList())
        .filter(up -> !Lists.reverse(up).equals(down))
        .ifPresent(
            up -> {
              throw config.wrong("up_block_types", "down_block_types mirrored", up);
            });
    return down;
  }

  private static void refuseUnknownForms(ConfigFile config) {
    only(config, "use_linear_projection", "false");
    only(config, "only_cross_attention", "false");
    only(config, "class_embed_type", "null");
    only(config, "addition_embed_type", "null");
    only(config, "act_fn", "silu");
    only(config, "flip_sin_to_cos", "true");
    only(config, "freq_shift", "0");
    only(config, "center_input_sample", "false");
    only(config, "downsample_padding", "1");
    only(config, "mid_block_scale_factor", "1");
    only(config, "transformer_layers_per_block", "1");
    only(config, "dual_cross_attention", "false");
  }

  private static void only(ConfigFile config, String field, String supported) {
    config
        .findAny(field)
        .filter(found -> !found.equals(supported) && !found.equals(supported + ".0"))
        .ifPresent(
            found -> {
              throw config.wrong(field, supported + " (Stable Diffusion 1.5)", found);
            });
  }
}
