package io.github.tpdiff.adapters.wan;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.adapters.CheckpointSizes;
import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.stream.IntStream;

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
  private static final int MOST_LEVELS = 8;
  private static final int MOST_TIMES = 64;
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

  /**
   * @throws IllegalArgumentException if a list has the wrong length or a value out of range
   */
  WanVaeConfig {
    dimMult = List.copyOf(dimMult);
    temporalDownsample = List.copyOf(temporalDownsample);
    latentsMean = List.copyOf(latentsMean);
    latentsStd = List.copyOf(latentsStd);
    checkArgument(
        !dimMult.isEmpty() && dimMult.size() <= MOST_LEVELS,
        "dim_mult: expected 1 to %s levels, found %s",
        MOST_LEVELS,
        dimMult.size());
    checkArgument(
        dimMult.stream().allMatch(times -> times >= 1 && times <= MOST_TIMES),
        "dim_mult: expected from 1 to %s each, found %s",
        MOST_TIMES,
        dimMult);
    requireCount("temperal_downsample", dimMult.size() - 1, temporalDownsample);
    requireCount("latents_mean", latentChannels, latentsMean);
    requireCount("latents_std", latentChannels, latentsStd);
  }

  private static void requireCount(String field, int count, List<?> found) {
    checkArgument(found.size() == count, "%s: expected %s values, found %s", field, count, found);
  }

  /**
   * From the tensors, and a configuration where there is one.
   *
   * @param weights under diffusers' names
   */
  static WanVaeConfig read(ConfigFile config, TensorSource weights) {
    var sizes = new CheckpointSizes(config, weights);
    // The decoder has one block more.
    int resBlocks = sizes.count("decoder.up_blocks.0.resnets.%s.conv1.weight") - 1;
    sizes.agree(resBlocks, "as the tensors have it", "num_res_blocks");
    var read =
        config.checked(
            () ->
                new WanVaeConfig(
                    sizes.of("encoder.conv_in.weight", 0, "base_dim", "dim"),
                    sizes.of("post_quant_conv.weight", 0, "z_dim"),
                    config.findInts("dim_mult").orElse(DIM_MULT),
                    resBlocks,
                    config.findBooleans("temperal_downsample").orElse(TEMPORAL_DOWNSAMPLE),
                    config.findDoubles("latents_mean").orElse(LATENTS_MEAN),
                    config.findDoubles("latents_std").orElse(LATENTS_STD)));
    List<Integer> widths =
        IntStream.range(0, read.levels())
            .mapToObj(level -> sizes.of(firstBlock(level, resBlocks), 0))
            .toList();
    if (!widths.equals(IntStream.range(0, read.levels()).mapToObj(read::width).toList())) {
      throw config.wrong(
          "dim_mult",
          "what makes the tensors' %s of base_dim %d".formatted(widths, read.baseDim()),
          read.dimMult());
    }
    return read;
  }

  /**
   * Blocks are numbered through all levels, with the downsampler behind each level but the last.
   */
  private static String firstBlock(int level, int resBlocks) {
    return "encoder.down_blocks.%s.conv1.weight".formatted(level * (resBlocks + 1));
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
