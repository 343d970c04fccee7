package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.TensorExtents;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

  private static final List<Integer> PUBLISHED_ROTARY = List.of(16, 24, 24);

  /** The published transformers, all three of them. */
  static final PyramidFluxConfig PUBLISHED =
      new PyramidFluxConfig(30, 64, 8, 16, 7680, 16, 4096, 768, 256, PUBLISHED_ROTARY);

  private static final String DOUBLE = "transformer_blocks.%d.";
  private static final String SINGLE = "single_transformer_blocks.%d.";

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
    var sizes = new TensorExtents(weights);
    int width = sizes.of("x_embedder.weight", 0);
    int headDim = sizes.of(DOUBLE.formatted(0) + "attn.norm_q.weight", 0);
    int patch = sizes.of("x_embedder.weight", 1);
    require(patch % (PATCH * PATCH) == 0, "x_embedder.weight", "a multiple of 4 wide", patch);
    require(width % headDim == 0, "width", "a multiple of the head dimension " + headDim, width);
    var read =
        new PyramidFluxConfig(
            width / headDim,
            headDim,
            sizes.count(DOUBLE + "norm1.linear.weight"),
            sizes.count(SINGLE + "norm.linear.weight"),
            sizes.of(DOUBLE.formatted(0) + "ff.net.0.proj.weight", 0),
            patch / (PATCH * PATCH),
            sizes.of("context_embedder.weight", 1),
            sizes.of("time_text_embed.text_embedder.linear_1.weight", 1),
            sizes.of("time_text_embed.timestep_embedder.linear_1.weight", 1),
            rotaryDims(config, headDim));
    read.requireAgreement(config);
    return read;
  }

  /** What no tensor tells: only the published width is known without a configuration. */
  private static List<Integer> rotaryDims(ConfigFile config, int headDim) {
    return config
        .findInts("axes_dims_rope")
        .or(() -> Optional.of(PUBLISHED_ROTARY).filter(known -> headDim == PUBLISHED.headDim()))
        .orElseThrow(
            () ->
                config.wrong(
                    "axes_dims_rope",
                    "three even numbers that make up the head dimension " + headDim,
                    "none"));
  }

  private void requireAgreement(ConfigFile config) {
    Map<String, Integer> tensors =
        Map.of(
            "num_attention_heads", heads,
            "attention_head_dim", headDim,
            "num_layers", doubleBlocks,
            "num_single_layers", singleBlocks,
            "in_channels", patchElements(),
            "joint_attention_dim", textDim,
            "pooled_projection_dim", pooledDim);
    tensors.forEach(
        (field, there) ->
            config
                .findInt(field)
                .filter(said -> !said.equals(there))
                .ifPresent(
                    said -> {
                      throw config.wrong(field, there + ", as the tensors are", said);
                    }));
  }
}
