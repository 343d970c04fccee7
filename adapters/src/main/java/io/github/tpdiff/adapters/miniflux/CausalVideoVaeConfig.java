package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.TensorExtents;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.List;

/**
 * Sizes of miniFLUX's autoencoder.
 *
 * @param encoder levels from full resolution down
 * @param decoder levels from the latents up
 */
record CausalVideoVaeConfig(
    int latentChannels,
    int encoderGroups,
    int decoderGroups,
    List<Level> encoder,
    List<Level> decoder) {
  private static final int GROUPS = 32;
  private static final int MOST_LEVELS = 8;

  /**
   * Layers at one resolution.
   *
   * @param width channels
   * @param blocks residual blocks
   * @param spatial whether height and width change behind them
   * @param temporal whether the frames do
   */
  record Level(int width, int blocks, boolean spatial, boolean temporal) {}

  /** The published autoencoder. */
  static final CausalVideoVaeConfig PUBLISHED =
      new CausalVideoVaeConfig(
          16,
          GROUPS,
          GROUPS,
          List.of(
              new Level(128, 2, true, true),
              new Level(256, 2, true, true),
              new Level(512, 2, true, true),
              new Level(512, 2, false, false)),
          List.of(
              new Level(512, 3, true, true),
              new Level(512, 3, true, true),
              new Level(256, 3, true, true),
              new Level(128, 3, false, false)));

  /**
   * @throws CheckpointException if the halves do not fit
   */
  CausalVideoVaeConfig {
    encoder = List.copyOf(encoder);
    decoder = List.copyOf(decoder);
    requireLevels("down_blocks", encoder);
    requireLevels("up_blocks", decoder);
    require(
        spatialFactor(encoder) == spatialFactor(decoder)
            && temporalFactor(encoder) == temporalFactor(decoder),
        "down and up sampling",
        "as much up as down, %d in space and %d in time"
            .formatted(spatialFactor(encoder), temporalFactor(encoder)),
        "%d and %d".formatted(spatialFactor(decoder), temporalFactor(decoder)));
    requireDivisor("encoder_norm_num_groups", encoderGroups, encoder);
    requireDivisor("decoder_norm_num_groups", decoderGroups, decoder);
  }

  private static void requireLevels(String field, List<Level> levels) {
    require(
        !levels.isEmpty() && levels.size() <= MOST_LEVELS,
        field,
        "1 to " + MOST_LEVELS,
        levels.size());
  }

  private static void requireDivisor(String field, int groups, List<Level> levels) {
    List<Integer> widths = levels.stream().map(Level::width).toList();
    require(
        widths.stream().allMatch(width -> width % groups == 0),
        field,
        "a divisor of the channels " + widths,
        groups);
  }

  private static void require(boolean holds, String field, String expected, Object found) {
    if (!holds) {
      throw new CheckpointException(
          "miniFLUX VAE: %s: expected %s, found %s".formatted(field, expected, found));
    }
  }

  /** From the tensors, and from the configuration what they do not show. */
  static CausalVideoVaeConfig read(ConfigFile config, TensorSource weights) {
    config
        .findFlag("interpolate")
        .filter(interpolates -> interpolates)
        .ifPresent(
            interpolates -> {
              throw config.wrong("interpolate", "false", interpolates);
            });
    var sizes = new TensorExtents(weights);
    return new CausalVideoVaeConfig(
        sizes.of("post_quant_conv.conv.weight", 0),
        config.findInt("encoder_norm_num_groups").orElse(GROUPS),
        config.findInt("decoder_norm_num_groups").orElse(GROUPS),
        levels(sizes, "encoder.down_blocks.", "downsamplers"),
        levels(sizes, "decoder.up_blocks.", "upsamplers"));
  }

  private static List<Level> levels(TensorExtents sizes, String half, String sampler) {
    String block = ".resnets.%d.conv1.conv.weight";
    String suffix = sampler + ".0.conv.conv.weight";
    var levels = new ArrayList<Level>();
    for (int i = 0; i < sizes.count(half + "%d" + block.formatted(0)); i++) {
      levels.add(
          new Level(
              sizes.of(half + i + block.formatted(0), 0),
              sizes.count(half + i + block),
              sizes.weights().find(half + i + "." + suffix).isPresent(),
              sizes.weights().find(half + i + ".temporal_" + suffix).isPresent()));
    }
    return levels;
  }

  /** Pixels per latent along height and width. */
  int spatialFactor() {
    return spatialFactor(encoder);
  }

  /** Frames per latent frame after the first. */
  int temporalFactor() {
    return temporalFactor(encoder);
  }

  private static int spatialFactor(List<Level> levels) {
    return 1 << levels.stream().filter(Level::spatial).count();
  }

  private static int temporalFactor(List<Level> levels) {
    return 1 << levels.stream().filter(Level::temporal).count();
  }
}
