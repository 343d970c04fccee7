package io.github.tpdiff.adapters.wan;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.adapters.CheckpointSizes;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sizes and latent statistics of a Wan autoencoder.
 *
 * @param baseDim the encoder's channels at full resolution; {@code dimMult} gives those of each
 *     level
 * @param decoderBaseDim the same of the decoder
 * @param resBlocks residual blocks per level of the encoder; the decoder has one more
 * @param temporalDownsample for each level but the last, whether it also halves the frames
 * @param patchSize side of the squares of pixels that are channels within
 * @param residual whether each level has a shortcut around it, as in Wan 2.2's autoencoder
 * @param latentsMean per latent channel
 * @param latentsStd per latent channel
 */
record WanVaeConfig(
    int baseDim,
    int decoderBaseDim,
    int latentChannels,
    List<Integer> dimMult,
    int resBlocks,
    List<Boolean> temporalDownsample,
    int patchSize,
    boolean residual,
    List<Double> latentsMean,
    List<Double> latentsStd) {
  private static final int MOST_LEVELS = 8;
  private static final int MOST_TIMES = 64;
  private static final int MOST_PATCH = 16;
  static final int COLOURS = 3;
  static final List<Integer> DIM_MULT = List.of(1, 2, 4, 4);
  static final List<Boolean> TEMPORAL_DOWNSAMPLE = List.of(false, true, true);

  /** Statistics of Wan 2.1's, which its authors' layout does not record. */
  static final List<Double> LATENTS_MEAN =
      List.of(
          -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715,
          0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921);

  static final List<Double> LATENTS_STD =
      List.of(
          2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652,
          1.5579, 1.6382, 1.1253, 2.8251, 1.9160);

  /** The same of Wan 2.2's. */
  static final List<Double> RESIDUAL_LATENTS_MEAN =
      List.of(
          -0.2289, -0.0052, -0.1323, -0.2339, -0.2799, 0.0174, 0.1838, 0.1557, -0.1382, 0.0542,
          0.2813, 0.0891, 0.1570, -0.0098, 0.0375, -0.1825, -0.2246, -0.1207, -0.0698, 0.5109,
          0.2665, -0.2108, -0.2158, 0.2502, -0.2055, -0.0322, 0.1109, 0.1567, -0.0729, 0.0899,
          -0.2799, -0.1230, -0.0313, -0.1649, 0.0117, 0.0723, -0.2839, -0.2083, -0.0520, 0.3748,
          0.0152, 0.1957, 0.1433, -0.2944, 0.3573, -0.0548, -0.1681, -0.0667);

  static final List<Double> RESIDUAL_LATENTS_STD =
      List.of(
          0.4765, 1.0364, 0.4514, 1.1677, 0.5313, 0.4990, 0.4818, 0.5013, 0.8158, 1.0344, 0.5894,
          1.0901, 0.6885, 0.6165, 0.8454, 0.4978, 0.5759, 0.3523, 0.7135, 0.6804, 0.5833, 1.4146,
          0.8986, 0.5659, 0.7069, 0.5338, 0.4889, 0.4917, 0.4069, 0.4999, 0.6866, 0.4093, 0.5709,
          0.6065, 0.6415, 0.4944, 0.5726, 1.2042, 0.5458, 1.6887, 0.3971, 1.0600, 0.3943, 0.5537,
          0.5444, 0.4089, 0.7468, 0.7744);

  /** The autoencoder of Wan 2.1, and of Wan 2.2's models of 14 billion parameters. */
  static final WanVaeConfig PUBLISHED =
      new WanVaeConfig(
          96, 96, 16, DIM_MULT, 2, TEMPORAL_DOWNSAMPLE, 1, false, LATENTS_MEAN, LATENTS_STD);

  /** The autoencoder of Wan 2.2 TI2V 5B. */
  static final WanVaeConfig PUBLISHED_RESIDUAL =
      new WanVaeConfig(
          160,
          256,
          48,
          DIM_MULT,
          2,
          TEMPORAL_DOWNSAMPLE,
          2,
          true,
          RESIDUAL_LATENTS_MEAN,
          RESIDUAL_LATENTS_STD);

  /**
   * @throws IllegalArgumentException if a list has the wrong length or a value out of range
   */
  WanVaeConfig {
    dimMult = List.copyOf(dimMult);
    temporalDownsample = List.copyOf(temporalDownsample);
    latentsMean = List.copyOf(latentsMean);
    latentsStd = List.copyOf(latentsStd);
    requireLevels(dimMult);
    checkArgument(
        dimMult.stream().allMatch(times -> times >= 1 && times <= MOST_TIMES),
        "dim_mult: expected from 1 to %s each, found %s",
        MOST_TIMES,
        dimMult);
    checkArgument(
        patchSize >= 1 && patchSize <= MOST_PATCH,
        "patch_size: expected from 1 to %s, found %s",
        MOST_PATCH,
        patchSize);
    requireCount("temperal_downsample", dimMult.size() - 1, temporalDownsample);
    requireCount("latents_mean", latentChannels, latentsMean);
    requireCount("latents_std", latentChannels, latentsStd);
  }

  private static void requireLevels(List<Integer> dimMult) {
    checkArgument(
        !dimMult.isEmpty() && dimMult.size() <= MOST_LEVELS,
        "dim_mult: expected 1 to %s levels, found %s",
        MOST_LEVELS,
        dimMult.size());
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
    boolean residual = weights.find(firstBlock(true, 0, resBlocks)).isPresent();
    requireFlag(config, "is_residual", residual);
    int latentChannels = sizes.of("post_quant_conv.weight", 0, "z_dim");
    List<Integer> dimMult = config.findInts("dim_mult").orElse(DIM_MULT);
    boolean newer = latentChannels == RESIDUAL_LATENTS_MEAN.size();
    var read =
        config.checked(
            () ->
                new WanVaeConfig(
                    sizes.of("encoder.conv_in.weight", 0, "base_dim", "dim"),
                    decoderBaseDim(sizes, dimMult),
                    latentChannels,
                    dimMult,
                    resBlocks,
                    config.findBooleans("temperal_downsample").orElse(TEMPORAL_DOWNSAMPLE),
                    patchSize(sizes),
                    residual,
                    config
                        .findDoubles("latents_mean")
                        .orElse(newer ? RESIDUAL_LATENTS_MEAN : LATENTS_MEAN),
                    config
                        .findDoubles("latents_std")
                        .orElse(newer ? RESIDUAL_LATENTS_STD : LATENTS_STD)));
    List<Integer> widths =
        IntStream.range(0, read.levels())
            .mapToObj(level -> sizes.of(firstBlock(residual, level, resBlocks), 0))
            .toList();
    if (!widths.equals(IntStream.range(0, read.levels()).mapToObj(read::width).toList())) {
      throw config.wrong(
          "dim_mult",
          "what makes the tensors' %s of base_dim %d".formatted(widths, read.baseDim()),
          read.dimMult());
    }
    return read;
  }

  private static void requireFlag(ConfigFile config, String field, boolean there) {
    config
        .findFlag(field)
        .filter(said -> said != there)
        .ifPresent(
            said -> {
              throw config.wrong(field, there + ", as the tensors are named", said);
            });
  }

  private static int decoderBaseDim(CheckpointSizes sizes, List<Integer> dimMult) {
    requireLevels(dimMult);
    String tensor = "decoder.conv_in.weight";
    int widest = sizes.of(tensor, 0);
    int times = dimMult.get(dimMult.size() - 1);
    checkArgument(
        widest % times == 0,
        "dim_mult: expected a last factor that divides the %s rows of tensor '%s', found %s",
        widest,
        tensor,
        times);
    sizes.agree(
        widest / times, "as tensor '%s' has it".formatted(tensor), "decoder_base_dim", "dec_dim");
    return widest / times;
  }

  private static int patchSize(CheckpointSizes sizes) {
    String tensor = "encoder.conv_in.weight";
    int channels = sizes.of(tensor, 1, "in_channels");
    int side = (int) Math.sqrt(channels / (double) COLOURS);
    checkArgument(
        channels == COLOURS * side * side,
        "in_channels: expected 3 times a square, found %s in tensor '%s'",
        channels,
        tensor);
    sizes.agree(side, "as tensor '%s' has it".formatted(tensor), "patch_size");
    sizes.of("decoder.conv_out.weight", 0, "out_channels");
    return side;
  }

  /**
   * Without shortcuts blocks are numbered through all levels, with the downsampler behind each
   * level but the last.
   */
  private static String firstBlock(boolean residual, int level, int resBlocks) {
    return residual
        ? "encoder.down_blocks.%s.resnets.0.conv1.weight".formatted(level)
        : "encoder.down_blocks.%s.conv1.weight".formatted(level * (resBlocks + 1));
  }

  int levels() {
    return dimMult.size();
  }

  /** Channels of the encoder's level {@code level}, 0 at full resolution. */
  int width(int level) {
    return baseDim * dimMult.get(level);
  }

  /** The same of the decoder. */
  int decoderWidth(int level) {
    return decoderBaseDim * dimMult.get(level);
  }

  /** Channels of what the convolutions take in and give: the colours of a patch. */
  int patchChannels() {
    return COLOURS * patchSize * patchSize;
  }

  int spatialFactor() {
    return patchSize << (levels() - 1);
  }

  int temporalFactor() {
    return 1 << temporalDownsample.stream().filter(halves -> halves).count();
  }
}
