package io.github.tpdiff.adapters.animatediff;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.adapters.CheckpointSizes;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.weights.TensorSource;
import java.util.Collections;
import java.util.List;

/**
 * Sizes of Stable Diffusion's autoencoder and the scale of its latents.
 *
 * @param widths channels of each level, from full resolution down
 * @param resBlocks residual blocks per level of the encoder; the decoder has one more
 * @param normGroups of every group norm
 * @param scalingFactor of latents: normalised = factor · (latent − shift)
 */
record AutoencoderKlConfig(
    List<Integer> widths, int resBlocks, int latentChannels, int normGroups, double scalingFactor) {
  static final AutoencoderKlConfig PUBLISHED =
      new AutoencoderKlConfig(List.of(128, 256, 512, 512), 2, 4, 32, 0.18215);

  private static final int MOST_LEVELS = 8;

  /**
   * @throws IllegalArgumentException if the sizes do not fit together
   */
  AutoencoderKlConfig {
    widths = List.copyOf(widths);
    checkArgument(
        !widths.isEmpty() && widths.size() <= MOST_LEVELS,
        "block_out_channels: expected 1 to %s levels, found %s",
        MOST_LEVELS,
        widths);
    for (int width : widths) {
      checkArgument(
          width % normGroups == 0,
          "norm_num_groups: expected a divisor of block_out_channels %s, found %s",
          widths,
          normGroups);
    }
    checkArgument(
        scalingFactor >= 1e-6 && scalingFactor <= 1e6,
        "scaling_factor: expected from 1e-6 to 1e6, found %s",
        scalingFactor);
  }

  /** From the tensors, and a configuration where there is one. */
  static AutoencoderKlConfig read(ConfigFile config, TensorSource weights) {
    config
        .findString("act_fn")
        .filter(name -> !name.equals("silu"))
        .ifPresent(
            name -> {
              throw config.wrong("act_fn", "silu", name);
            });
    var sizes = new CheckpointSizes(config, weights);
    return config.checked(
        () ->
            new AutoencoderKlConfig(
                sizes.each(
                    "encoder.down_blocks.%s.resnets.0.conv1.weight", 0, "block_out_channels"),
                sizes.count("encoder.down_blocks.0.resnets.%s.conv1.weight", "layers_per_block"),
                sizes.of("post_quant_conv.weight", 0, "latent_channels"),
                config.findInt("norm_num_groups").orElse(PUBLISHED.normGroups()),
                config.findDouble("scaling_factor").orElse(PUBLISHED.scalingFactor())));
  }

  int levels() {
    return widths.size();
  }

  /** Pixels per latent along height and width. */
  int spatialFactor() {
    return 1 << (levels() - 1);
  }

  /**
   * Geometry and scaling of its latents, one per frame.
   *
   * @param maxFrames that the network's positions can tell apart
   */
  ModelDescription.Latents latents(int maxFrames) {
    return new ModelDescription.Latents(
        latentChannels,
        spatialFactor(),
        1,
        false,
        maxFrames,
        spatialFactor(),
        Collections.nCopies(latentChannels, 0.0),
        Collections.nCopies(latentChannels, 1 / scalingFactor));
  }
}
