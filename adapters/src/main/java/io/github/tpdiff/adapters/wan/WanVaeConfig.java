package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;

/**
 * Sizes and latent statistics of a Wan autoencoder.
 *
 * @param baseDim channels at full resolution; {@code dimMult} gives those of each level
 * @param resBlocks residual blocks per level of the encoder; the decoder has one more
 * @param temporalDownsample for each level but the last, whether it also halves the frames
 * @param latentsMean per latent channel
 * @param latentsStd per latent channel
 */
record WanVaeConfig(
    int baseDim,
    int latentChannels,
    List<Integer> dimMult,
    int resBlocks,
    List<Boolean> temporalDownsample,
    List<Double> latentsMean,
    List<Double> latentsStd) {
  private static final int MOST_BLOCKS = 64;
  static final List<Integer> DIM_MULT = List.of(1, 2, 4, 4);
  static final List<Boolean> TEMPORAL_DOWNSAMPLE = List.of(false, true, true);

  /** Statistics of the published model, which its authors' layout does not record. */
  static final List<Double> LATENTS_MEAN =
      List.of(
          -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715,
          0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921);

  static final List<Double> LATENTS_STD =
      List.of(
          2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652,
          1.5579, 1.6382, 1.1253, 2.8251, 1.9160);

  /** The published autoencoder. */
  static final WanVaeConfig PUBLISHED =
      new WanVaeConfig(96, 16, DIM_MULT, 2, TEMPORAL_DOWNSAMPLE, LATENTS_MEAN, LATENTS_STD);

  WanVaeConfig {
    dimMult = List.copyOf(dimMult);
    temporalDownsample = List.copyOf(temporalDownsample);
    latentsMean = List.copyOf(latentsMean);
    latentsStd = List.copyOf(latentsStd);
    if (dimMult.isEmpty() || dimMult.size() > 8) {
      throw new CheckpointException(
          "Wan VAE: dim_mult: expected 1 to 8 levels, found " + dimMult.size());
    }
    requireCount("temperal_downsample", dimMult.size() - 1, temporalDownsample);
    requireCount("latents_mean", latentChannels, latentsMean);
    requireCount("latents_std", latentChannels, latentsStd);
  }

  private static void requireCount(String field, int count, List<?> found) {
    if (found.size() != count) {
      throw new CheckpointException(
          "Wan VAE: %s: expected %d values, found %s".formatted(field, count, found));
    }
  }

  /**
   * From a configuration, or from the tensors where there is none.
   *
   * @param weights under diffusers' names
   */
  static WanVaeConfig read(ConfigFile config, TensorSource weights) {
    config
        .findInt("num_res_blocks")
        .filter(count -> count > MOST_BLOCKS)
        .ifPresent(
            count -> {
              throw config.wrong("num_res_blocks", "at most " + MOST_BLOCKS, count);
            });
    return new WanVaeConfig(
        config
            .findInt("base_dim")
            .or(() -> config.findInt("dim"))
            .orElseGet(() -> extent(weights, "encoder.conv_in.weight", 0)),
        config.findInt("z_dim").orElseGet(() -> extent(weights, "post_quant_conv.weight", 0)),
        config.findInts("dim_mult").orElse(DIM_MULT),
        config.findInt("num_res_blocks").orElse(2),
        config.findBooleans("temperal_downsample").orElse(TEMPORAL_DOWNSAMPLE),
        config.findDoubles("latents_mean").orElse(LATENTS_MEAN),
        config.findDoubles("latents_std").orElse(LATENTS_STD));
  }

  private static int extent(TensorSource weights, String tensor, int axis) {
    return weights.require(tensor).shape().get(axis).intValue();
  }

  int levels() {
    return dimMult.size();
  }

  /** Channels of level {@code level}, 0 at full resolution. */
  int width(int level) {
    return baseDim * dimMult.get(level);
  }

  int spatialFactor() {
    return 1 << (levels() - 1);
  }

  int temporalFactor() {
    return 1 << temporalDownsample.stream().filter(halves -> halves).count();
  }
}
