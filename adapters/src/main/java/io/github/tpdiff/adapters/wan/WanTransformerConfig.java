package io.github.tpdiff.adapters.wan;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.adapters.CheckpointSizes;
import io.github.tpdiff.runtime.model.ConfigFile;
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
 * @param image what takes the features of an image encoder, where the model has it
 * @param timesteps what has a time of its own
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
    Optional<ImageBranch> image,
    Timesteps timesteps) {
  private static final String PATCHES = "patch_embedding.weight";

  /** Of {@code model_index.json}. */
  static final String EXPAND_TIMESTEPS = "expand_timesteps";

  /** Of the authors' {@code config.json}. */
  static final String MODEL_TYPE = "model_type";

  static final String TI2V = "ti2v";
  private static final String IMAGE = "condition_embedder.image_embedder.";

  /** Latent channels of the models that take a picture as a given frame. */
  static final int GIVEN_FRAMES_CHANNELS = 48;

  /**
   * Cross-attention to the features of pictures.
   *
   * @param dim width of the features
   * @param positions rows of all pictures of a clip, where the model learned their positions
   */
  record ImageBranch(int dim, Optional<Integer> positions) {}

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
    checkArgument(
        inChannels >= outChannels,
        "in_channels: expected at least the %s of out_channels, found %s",
        outChannels,
        inChannels);
    checkArgument(
        timesteps == Timesteps.PER_CLIP || inChannels == outChannels,
        "in_channels: expected the %s of out_channels, as given frames take their place, found %s",
        outChannels,
        inChannels);
    checkArgument(
        timesteps != Timesteps.PER_FRAME || patchSize.get(0) == 1,
        "patch_size: expected one latent frame, as each has a time of its own, found %s",
        patchSize);
  }

  /** The same with other times. */
  WanTransformerConfig with(Timesteps others) {
    return new WanTransformerConfig(
        heads,
        headDim,
        layers,
        ffnDim,
        inChannels,
        outChannels,
        textDim,
        freqDim,
        patchSize,
        eps,
        image,
        others);
  }

  /** Whether another is given the same inputs. */
  boolean toldSame(WanTransformerConfig other) {
    return inChannels == other.inChannels
        && outChannels == other.outChannels
        && textDim == other.textDim
        && image.equals(other.image)
        && timesteps == other.timesteps;
  }

  /** What decides that, for error lines. */
  String told() {
    return "%s, %s, %s, %s"
        .formatted(
            inChannels,
            outChannels,
            textDim,
            image.map(branch -> Integer.toString(branch.dim())).orElse("none"));
  }

  /** Channels beside the noisy latents: a mask and the latents of a picture. */
  int conditionChannels() {
    return inChannels - outChannels;
  }

  int width() {
    return heads * headDim;
  }

  /** Elements of one token's patch in the output. */
  int outPatch() {
    return outChannels * patchSize.stream().reduce(1, Math::multiplyExact);
  }

  /**
   * From the tensors, and a configuration of either layout. Whether times are those of frames says
   * {@code expand_timesteps} of diffusers' pipeline, told beside the file, or the authors' {@code
   * model_type}; where neither is there, the channels do.
   *
   * @param weights under diffusers' names
   */
  static WanTransformerConfig read(ConfigFile config, TensorSource weights) {
    refuseUnknownForms(config);
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
    int inChannels = sizes.of(PATCHES, 1, "in_channels", "in_dim");
    int outChannels = outChannels(sizes, patch);
    return config.checked(
        () ->
            new WanTransformerConfig(
                heads,
                headDim,
                sizes.count("blocks.%s.scale_shift_table", "num_layers"),
                sizes.of("blocks.0.ffn.net.0.proj.weight", 0, "ffn_dim"),
                inChannels,
                outChannels,
                sizes.of("condition_embedder.text_embedder.linear_1.weight", 1, "text_dim"),
                sizes.of("condition_embedder.time_embedder.linear_1.weight", 1, "freq_dim"),
                patch,
                config.findEps("eps").orElse(1e-6),
                image(sizes),
                timesteps(config, inChannels == outChannels ? outChannels : 0)));
  }

  private static Timesteps timesteps(ConfigFile config, int channels) {
    boolean perFrame =
        config
            .findFlag(EXPAND_TIMESTEPS)
            .or(() -> config.findString(MODEL_TYPE).map(TI2V::equals))
            .orElse(channels == GIVEN_FRAMES_CHANNELS);
    return perFrame ? Timesteps.PER_FRAME : Timesteps.PER_CLIP;
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

  private static void refuseUnknownForms(ConfigFile config) {
    config
        .findString("qk_norm")
        .filter(kind -> !kind.equals("rms_norm_across_heads"))
        .ifPresent(
            kind -> {
              throw config.wrong("qk_norm", "rms_norm_across_heads", kind);
            });
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

  private static Optional<ImageBranch> image(CheckpointSizes sizes) {
    Optional<Integer> dim = found(sizes, IMAGE + "norm1.weight", 0, "image_dim");
    Optional<Integer> positions = found(sizes, IMAGE + "pos_embed", 1, "pos_embed_seq_len");
    return dim.map(width -> new ImageBranch(width, positions));
  }

  /** An extent of a tensor that some models have; without it the configuration has no field. */
  private static Optional<Integer> found(
      CheckpointSizes sizes, String tensor, int axis, String field) {
    if (sizes.weights().find(tensor).isPresent()) {
      return Optional.of(sizes.of(tensor, axis, field));
    }
    sizes
        .config()
        .findInt(field)
        .ifPresent(
            said -> {
              throw sizes.config().wrong(field, "null, as there is no '" + tensor + "'", said);
            });
    return Optional.empty();
  }
}
