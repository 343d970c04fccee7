package io.github.tpdiff.adapters.wan;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.adapters.CheckpointSizes;
import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Sizes of a Wan transformer.
 *
 * @param patchSize latent frames, rows and columns per token
 * @param freqDim width of the timestep sinusoid
 * @param imageDim width of image features, where the model takes an image
 */
record WanTransformerConfig(
    int heads,
    int headDim,
    int layers,
    int ffnDim,
    int inChannels,
    int outChannels,
    int textDim,
    int freqDim,
    List<Integer> patchSize,
    double eps,
    Optional<Integer> imageDim) {
  private static final String PATCHES = "patch_embedding.weight";

  /** The published head dimension, for configurations that name neither it nor the heads. */
  private static final int DEFAULT_HEAD_DIM = 128;

  /**
   * @throws IllegalArgumentException if the sizes do not fit together
   */
  WanTransformerConfig {
    patchSize = List.copyOf(patchSize);
    checkArgument(
        headDim % 2 == 0 && headDim >= 8,
        "head dimension: expected even and at least 8, found %s",
        headDim);
    checkArgument(freqDim % 2 == 0, "freq_dim: expected an even number, found %s", freqDim);
    checkArgument(patchSize.size() == 3, "patch_size: expected three sizes, found %s", patchSize);
  }

  int width() {
    return heads * headDim;
  }

  /** Elements of one token's patch in the output. */
  int outPatch() {
    return outChannels * patchSize.stream().reduce(1, Math::multiplyExact);
  }

  /**
   * From the tensors, and a configuration of either layout.
   *
   * @param weights under diffusers' names
   */
  static WanTransformerConfig read(ConfigFile config, TensorSource weights) {
    refuseUnknownForms(config, weights);
    var sizes = new CheckpointSizes(config, weights);
    int width = sizes.of(PATCHES, 0, "dim");
    int heads =
        config
            .findInt("num_attention_heads")
            .or(() -> config.findInt("num_heads"))
            .orElseGet(() -> headsOf(width, config));
    int headDim = config.findInt("attention_head_dim").orElse(width / heads);
    requireWidth(config, (long) heads * headDim, width);
    List<Integer> patch = IntStream.of(2, 3, 4).mapToObj(axis -> sizes.of(PATCHES, axis)).toList();
    config
        .findInts("patch_size")
        .filter(said -> !said.equals(patch))
        .ifPresent(
            said -> {
              throw config.wrong("patch_size", patch + ", as the tensors have it", said);
            });
    return config.checked(
        () ->
            new WanTransformerConfig(
                heads,
                headDim,
                sizes.count("blocks.%s.scale_shift_table", "num_layers"),
                sizes.of("blocks.0.ffn.net.0.proj.weight", 0, "ffn_dim"),
                sizes.of(PATCHES, 1, "in_channels", "in_dim"),
                outChannels(sizes, patch),
                sizes.of("condition_embedder.text_embedder.linear_1.weight", 1, "text_dim"),
                sizes.of("condition_embedder.time_embedder.linear_1.weight", 1, "freq_dim"),
                patch,
                config.findEps("eps").orElse(1e-6),
                imageDim(sizes)));
  }

  private static int outChannels(CheckpointSizes sizes, List<Integer> patch) {
    int rows = sizes.of("proj_out.weight", 0);
    long elements = patch.stream().mapToLong(Integer::longValue).reduce(1, (a, b) -> a * b);
    if (rows % elements != 0) {
      throw new CheckpointException(
          "%s: tensor 'proj_out.weight': expected a multiple of %d rows, found %d"
              .formatted(sizes.weights().origin(), elements, rows));
    }
    int channels = (int) (rows / elements);
    sizes.agree(channels, "as tensor 'proj_out.weight' has it", "out_channels", "out_dim");
    return channels;
  }

  private static void refuseUnknownForms(ConfigFile config, TensorSource weights) {
    config
        .findString("qk_norm")
        .filter(kind -> !kind.equals("rms_norm_across_heads"))
        .ifPresent(
            kind -> {
              throw config.wrong("qk_norm", "rms_norm_across_heads", kind);
            });
    String positions = "condition_embedder.image_embedder.pos_embed";
    if (weights.find(positions).isPresent()) {
      throw new CheckpointException(
          "%s: tensor '%s': models between a first and a last frame are not supported"
              .formatted(weights.origin(), positions));
    }
  }

  private static int headsOf(int width, ConfigFile config) {
    int headDim = config.findInt("attention_head_dim").orElse(DEFAULT_HEAD_DIM);
    if (width % headDim != 0) {
      throw config.wrong(
          "num_attention_heads",
          "the number of heads, as width %d is no multiple of %d".formatted(width, headDim),
          "none");
    }
    return width / headDim;
  }

  private static void requireWidth(ConfigFile config, long found, int expected) {
    if (found != expected) {
      throw config.wrong(
          "heads times head dimension", expected + ", the width of patch_embedding.weight", found);
    }
  }

  private static Optional<Integer> imageDim(CheckpointSizes sizes) {
    String norm = "condition_embedder.image_embedder.norm1.weight";
    if (sizes.weights().find(norm).isPresent()) {
      return Optional.of(sizes.of(norm, 0, "image_dim"));
    }
    sizes
        .config()
        .findInt("image_dim")
        .ifPresent(
            said -> {
              throw sizes.config().wrong("image_dim", "null, as there is no '" + norm + "'", said);
            });
    return Optional.empty();
  }
}
