package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Optional;

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
  /** The published head dimension, for configurations that name neither it nor the heads. */
  private static final int DEFAULT_HEAD_DIM = 128;

  WanTransformerConfig {
    patchSize = List.copyOf(patchSize);
    require(headDim % 2 == 0 && headDim >= 8, "head dimension", "even and at least 8", headDim);
    require(freqDim % 2 == 0, "freq_dim", "an even number", freqDim);
    require(patchSize.size() == 3, "patch_size", "three sizes", patchSize);
  }

  private static void require(boolean holds, String field, String expected, Object found) {
    if (!holds) {
      throw new CheckpointException(
          "Wan transformer: %s: expected %s, found %s".formatted(field, expected, found));
    }
  }

  int width() {
    return heads * headDim;
  }

  /** Elements of one token's patch in the output. */
  int outPatch() {
    return outChannels * patchSize.stream().reduce(1, Math::multiplyExact);
  }

  /**
   * From a configuration of either layout; what it does not say follows from the tensors.
   *
   * @param weights under diffusers' names
   */
  static WanTransformerConfig read(ConfigFile config, TensorSource weights) {
    refuseUnknownForms(config, weights);
    var sizes = new Sizes(config, weights);
    int width = sizes.of("dim", "patch_embedding.weight", 0);
    int heads =
        config
            .findInt("num_attention_heads")
            .or(() -> config.findInt("num_heads"))
            .orElseGet(() -> headsOf(width, config));
    int headDim = config.findInt("attention_head_dim").orElse(width / Math.max(1, heads));
    requireWidth(config, (long) heads * headDim, sizes.at("patch_embedding.weight", 0));
    List<Integer> patch = config.findInts("patch_size").orElseGet(() -> sizes.patch());
    int patchElements = patch.stream().reduce(1, Math::multiplyExact);
    return new WanTransformerConfig(
        heads,
        headDim,
        sizes.layers(),
        sizes.of("ffn_dim", "blocks.0.ffn.net.0.proj.weight", 0),
        sizes.of("in_channels", "patch_embedding.weight", 1),
        config
            .findInt("out_channels")
            .or(() -> config.findInt("out_dim"))
            .orElseGet(() -> sizes.at("proj_out.weight", 0) / patchElements),
        sizes.of("text_dim", "condition_embedder.text_embedder.linear_1.weight", 1),
        sizes.of("freq_dim", "condition_embedder.time_embedder.linear_1.weight", 1),
        patch,
        config.findDouble("eps").orElse(1e-6),
        imageDim(config, weights));
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

  private static Optional<Integer> imageDim(ConfigFile config, TensorSource weights) {
    return config
        .findInt("image_dim")
        .or(
            () ->
                weights
                    .find("condition_embedder.image_embedder.norm1.weight")
                    .map(norm -> norm.shape().get(0).intValue()));
  }

  private record Sizes(ConfigFile config, TensorSource weights) {
    int of(String field, String tensor, int axis) {
      Optional<Integer> original =
          field.equals("in_channels") ? config.findInt("in_dim") : Optional.empty();
      return config.findInt(field).or(() -> original).orElseGet(() -> at(tensor, axis));
    }

    int at(String tensor, int axis) {
      return requireRank(tensor, axis + 1).shape().get(axis).intValue();
    }

    List<Integer> patch() {
      var shape = requireRank("patch_embedding.weight", 5).shape();
      return shape.subList(2, 5).stream().map(Long::intValue).toList();
    }

    private TensorInfo requireRank(String tensor, int rank) {
      TensorInfo info = weights.require(tensor);
      if (info.shape().size() < rank) {
        throw new CheckpointException(
            "%s: tensor '%s': expected at least %d dimensions, found %s"
                .formatted(weights.origin(), tensor, rank, info.shape()));
      }
      return info;
    }

    /** As many as there are tensors for; a configuration that says otherwise is not this one's. */
    int layers() {
      int count = 0;
      while (weights.find("blocks." + count + ".scale_shift_table").isPresent()) {
        count++;
      }
      int there = count;
      config
          .findInt("num_layers")
          .filter(said -> said != there)
          .ifPresent(
              said -> {
                throw config.wrong("num_layers", there + ", the blocks in the checkpoint", said);
              });
      return there;
    }
  }
}
