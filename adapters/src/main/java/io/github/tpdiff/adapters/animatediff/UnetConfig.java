package io.github.tpdiff.adapters.animatediff;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.Lists;
import io.github.tpdiff.adapters.CheckpointSizes;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.weights.TensorSource;
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

  private static final int MOST_LEVELS = 8;
  private static final String RESNETS = "down_blocks.%s.resnets.0.conv1.weight";

  /**
   * @throws IllegalArgumentException if the sizes do not fit together
   */
  UnetConfig {
    widths = List.copyOf(widths);
    attentive = List.copyOf(attentive);
    checkArgument(
        !widths.isEmpty() && widths.size() <= MOST_LEVELS,
        "block_out_channels: expected 1 to %s levels, found %s",
        MOST_LEVELS,
        widths);
    checkArgument(
        widths.size() == attentive.size(),
        "down_block_types: expected as many as block_out_channels, found %s for %s",
        attentive.size(),
        widths);
    for (int width : widths) {
      requireDivides("attention_head_dim (the number of heads)", heads, width);
      requireDivides("norm_num_groups", normGroups, width);
    }
    checkArgument(
        widths.get(0) % 2 == 0, "block_out_channels: expected an even number, found %s", widths);
  }

  private static void requireDivides(String field, int divisor, int width) {
    checkArgument(
        width % divisor == 0,
        "%s: expected a divisor of block_out_channels %s, found %s",
        field,
        width,
        divisor);
  }

  int levels() {
    return widths.size();
  }

  /** Width of the timestep's embedding. */
  int timeWidth() {
    return 4 * widths.get(0);
  }

  /** From the tensors; what they do not say and the configuration neither is as published. */
  static UnetConfig read(ConfigFile config, TensorSource weights, NormStatistics statistics) {
    refuseUnknownForms(config);
    var sizes = new CheckpointSizes(config, weights);
    return config.checked(
        () -> {
          List<Integer> widths = sizes.each(RESNETS, 0, "block_out_channels");
          List<Boolean> attentive = attentive(config, weights, widths.size());
          return new UnetConfig(
              widths,
              sizes.count("down_blocks.0.resnets.%s.conv1.weight", "layers_per_block"),
              attentive,
              config
                  .findInt("num_attention_heads")
                  .or(() -> config.findInt("attention_head_dim"))
                  .orElse(PUBLISHED.heads()),
              sizes.of(keys(Math.max(0, attentive.indexOf(true))), 1, "cross_attention_dim"),
              sizes.of("conv_in.weight", 1, "in_channels"),
              config.findInt("norm_num_groups").orElse(PUBLISHED.normGroups()),
              config.findEps("norm_eps").orElse(PUBLISHED.normEps()),
              statistics);
        });
  }

  private static String keys(int level) {
    return "down_blocks.%s.attentions.0.transformer_blocks.0.attn2.to_k.weight".formatted(level);
  }

  private static List<Boolean> attentive(ConfigFile config, TensorSource weights, int levels) {
    List<Boolean> there =
        IntStream.range(0, levels)
            .mapToObj(level -> weights.find(keys(level)).isPresent())
            .toList();
    requireAttentive(config, "down_block_types", CROSS_DOWN, there);
    requireAttentive(config, "up_block_types", CROSS_UP, Lists.reverse(there));
    return there;
  }

  private static void requireAttentive(
      ConfigFile config, String field, String prefix, List<Boolean> there) {
    config
        .findStrings(field)
        .filter(
            types -> !types.stream().map(type -> type.startsWith(prefix)).toList().equals(there))
        .ifPresent(
            types -> {
              throw config.wrong(
                  field, "%s… where %s, as the tensors have it".formatted(prefix, there), types);
            });
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
