package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;

/**
 * Sizes of miniFLUX's transformer.
 *
 * @param doubleBlocks blocks that hold text and video apart but for attention
 * @param singleBlocks blocks over text and video together, after the others
 * @param mlpDim hidden width of the feed-forward layers
 * @param channels of a latent
 * @param textDim width of the text encoder's states
 * @param pooledDim width of the pooled text state
 * @param freqDim width of the timestep sinusoid
 * @param rotaryDims of a head that turn with the frame, the row and the column of a token
 */
record PyramidFluxConfig(
    int heads,
    int headDim,
    int doubleBlocks,
    int singleBlocks,
    int mlpDim,
    int channels,
    int textDim,
    int pooledDim,
    int freqDim,
    List<Integer> rotaryDims) {
  /** Rows and columns of latents per token; the configuration's patch_size means something else. */
  static final int PATCH = 2;

  /** Of all norms; no published configuration says otherwise. */
  static final double EPS = 1e-6;

  private static final String DOUBLE = "transformer_blocks.";
  private static final String SINGLE = "single_transformer_blocks.";

  PyramidFluxConfig {
    rotaryDims = List.copyOf(rotaryDims);
    require(
        rotaryDims.size() == 3
            && rotaryDims.stream().allMatch(dims -> dims > 0 && dims % 2 == 0)
            && rotaryDims.stream().mapToInt(Integer::intValue).sum() == headDim,
        "axes_dims_rope",
        "three even numbers that make up the head dimension " + headDim,
        rotaryDims);
    require(freqDim % 2 == 0, "timestep sinusoid", "an even width", freqDim);
  }

  private static void require(boolean holds, String field, String expected, Object found) {
    if (!holds) {
      throw new CheckpointException(
          "miniFLUX transformer: %s: expected %s, found %s".formatted(field, expected, found));
    }
  }

  int width() {
    return heads * headDim;
  }

  /** Elements of one token's patch. */
  int patchElements() {
    return PATCH * PATCH * channels;
  }

  /** From the tensors; a configuration that says otherwise is not theirs. */
  static PyramidFluxConfig read(ConfigFile config, TensorSource weights) {
    var sizes = new Sizes(config, weights);
    int width = sizes.of("x_embedder.weight", 0);
    int headDim = sizes.agreed("attention_head_dim", sizes.of(DOUBLE + "0.attn.norm_q.weight", 0));
    int inChannels = sizes.agreed("in_channels", sizes.of("x_embedder.weight", 1));
    if (inChannels % (PATCH * PATCH) != 0) {
      throw config.wrong("in_channels", "a multiple of " + PATCH * PATCH, inChannels);
    }
    return new PyramidFluxConfig(
        sizes.agreed("num_attention_heads", width / headDim),
        headDim,
        sizes.agreed("num_layers", sizes.blocks(DOUBLE, ".norm1.linear.weight")),
        sizes.agreed("num_single_layers", sizes.blocks(SINGLE, ".norm.linear.weight")),
        sizes.of(DOUBLE + "0.ff.net.0.proj.weight", 0),
        inChannels / (PATCH * PATCH),
        sizes.agreed("joint_attention_dim", sizes.of("context_embedder.weight", 1)),
        sizes.agreed(
            "pooled_projection_dim", sizes.of("time_text_embed.text_embedder.linear_1.weight", 1)),
        sizes.of("time_text_embed.timestep_embedder.linear_1.weight", 1),
        config.findInts("axes_dims_rope").orElse(PUBLISHED_ROTARY));
  }

  private static final List<Integer> PUBLISHED_ROTARY = List.of(16, 24, 24);

  private record Sizes(ConfigFile config, TensorSource weights) {
    int of(String tensor, int axis) {
      List<Long> shape = weights.require(tensor).shape();
      if (shape.size() <= axis) {
        throw new CheckpointException(
            "%s: tensor '%s': expected at least %d dimensions, found %s"
                .formatted(weights.origin(), tensor, axis + 1, shape));
      }
      return Math.toIntExact(shape.get(axis));
    }

    int agreed(String field, int there) {
      config
          .findInt(field)
          .filter(said -> said != there)
          .ifPresent(
              said -> {
                throw config.wrong(field, there + ", as the tensors are", said);
              });
      return there;
    }

    int blocks(String prefix, String suffix) {
      int count = 0;
      while (weights.find(prefix + count + suffix).isPresent()) {
        count++;
      }
      return count;
    }
  }
}
