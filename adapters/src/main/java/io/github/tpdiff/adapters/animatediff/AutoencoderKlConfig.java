package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
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

  AutoencoderKlConfig {
    widths = List.copyOf(widths);
    for (int width : widths) {
      if (width % normGroups != 0) {
        throw new CheckpointException(
            "norm_num_groups: expected a divisor of block_out_channels %s, found %s"
                .formatted(widths, normGroups));
      }
    }
  }

  /** From a configuration, or from the tensors where there is none. */
  static AutoencoderKlConfig read(ConfigFile config, TensorSource weights) {
    config
        .findString("act_fn")
        .filter(name -> !name.equals("silu"))
        .ifPresent(
            name -> {
              throw config.wrong("act_fn", "silu", name);
            });
    int latent = extent(weights, "post_quant_conv.weight");
    return new AutoencoderKlConfig(
        config.findInts("block_out_channels").orElseGet(() -> widths(weights)),
        config
            .findInt("layers_per_block")
            .orElseGet(() -> count(weights, "encoder.down_blocks.0.resnets.%d.conv1.weight")),
        config.findInt("latent_channels").orElse(latent),
        config.findInt("norm_num_groups").orElse(PUBLISHED.normGroups()),
        config.findDouble("scaling_factor").orElse(PUBLISHED.scalingFactor()));
  }

  private static List<Integer> widths(TensorSource weights) {
    var widths = new ArrayList<Integer>();
    int levels = count(weights, "encoder.down_blocks.%d.resnets.0.conv1.weight");
    for (int level = 0; level < levels; level++) {
      widths.add(extent(weights, "encoder.down_blocks." + level + ".resnets.0.conv1.weight"));
    }
    return widths;
  }

  private static int count(TensorSource weights, String numbered) {
    int count = 0;
    while (weights.find(numbered.formatted(count)).isPresent()) {
      count++;
    }
    return count;
  }

  private static int extent(TensorSource weights, String tensor) {
    List<Long> shape = weights.require(tensor).shape();
    if (shape.isEmpty()) {
      throw new CheckpointException(
          "%s: tensor '%s': expected 4 dimensions, found none".formatted(weights.origin(), tensor));
    }
    return Math.toIntExact(shape.get(0));
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
  PipelineDescription.Latents latents(int maxFrames) {
    return new PipelineDescription.Latents(
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
