package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.ClipTextConfig;
import io.github.tpdiff.adapters.T5Config;
import io.github.tpdiff.adapters.T5Config.PositionBias;
import io.github.tpdiff.adapters.madeup.MadeUpWords;
import io.github.tpdiff.adapters.miniflux.CausalVideoVaeConfig.Level;
import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.text.ClipTokenizerWriter;
import io.github.tpdiff.runtime.text.UnigramTokenizerWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The sizes of all components of one model, and the configuration files that record them.
 *
 * @param promptLength tokens of a prompt for the T5 encoder
 */
record MiniFluxSizes(
    PyramidFluxConfig transformer,
    CausalVideoVaeConfig vae,
    ClipTextConfig pooling,
    T5Config textEncoder,
    int promptLength) {
  static final MiniFluxSizes PUBLISHED =
      new MiniFluxSizes(
          PyramidFluxConfig.PUBLISHED,
          CausalVideoVaeConfig.PUBLISHED,
          ClipTextConfig.PUBLISHED,
          new T5Config(
              32_128, 4096, 24, 64, 64, 10_240, 32, 128, 1e-6, PositionBias.OF_FIRST_BLOCK),
          128);

  /** Tokens of prompts of a sentence: the made-up text encoders have nothing to say about more. */
  private static final int SENTENCE = 16;

  /** The structure at a size that two processor cores train in a minute. */
  static MiniFluxSizes tiny() {
    int pooled = 64;
    int states = 64;
    return new MiniFluxSizes(
        new PyramidFluxConfig(
            4,
            32,
            2,
            2,
            256,
            LiftingCodec.CONFIG.latentChannels(),
            states,
            pooled,
            64,
            List.of(8, 12, 12)),
        LiftingCodec.CONFIG,
        new ClipTextConfig(
            clipTokenizer(SENTENCE).vocabularySize(),
            SENTENCE,
            pooled,
            2,
            4,
            128,
            UnaryKind.QUICK_GELU,
            1e-5,
            2),
        new T5Config(
            t5Tokenizer(SENTENCE).vocabularySize(),
            states,
            2,
            4,
            16,
            128,
            32,
            128,
            1e-6,
            PositionBias.OF_FIRST_BLOCK),
        SENTENCE);
  }

  private static ClipTokenizerWriter clipTokenizer(int length) {
    return new ClipTokenizerWriter(MadeUpWords.ALL, length);
  }

  private static UnigramTokenizerWriter t5Tokenizer(int length) {
    return new UnigramTokenizerWriter(MadeUpWords.ALL, length);
  }

  /** For the encoder that pools, with no more tokens than it has positions. */
  ClipTokenizerWriter clipTokenizer() {
    return clipTokenizer(pooling.positions());
  }

  /** For the encoder of states. */
  UnigramTokenizerWriter t5Tokenizer() {
    return t5Tokenizer(promptLength);
  }

  /** The fields of the transformer's {@code config.json} as published. */
  Map<String, Object> transformerFields() {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("_class_name", "PyramidFluxTransformer");
    fields.put("_diffusers_version", "0.30.3");
    fields.put("attention_head_dim", transformer.headDim());
    fields.put("axes_dims_rope", transformer.rotaryDims());
    fields.put("in_channels", transformer.patchElements());
    fields.put("interp_condition_pos", true);
    fields.put("joint_attention_dim", transformer.textDim());
    fields.put("num_attention_heads", transformer.heads());
    fields.put("num_layers", transformer.doubleBlocks());
    fields.put("num_single_layers", transformer.singleBlocks());
    fields.put("patch_size", 1);
    fields.put("pooled_projection_dim", transformer.pooledDim());
    fields.put("use_flash_attn", false);
    fields.put("use_gradient_checkpointing", false);
    fields.put("use_temporal_causal", true);
    return fields;
  }

  /** The fields of the autoencoder's {@code config.json} as published. */
  Map<String, Object> vaeFields() {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("_class_name", "CausalVideoVAE");
    fields.put("_diffusers_version", "0.29.2");
    fields.put("add_post_quant_conv", true);
    fields.put("decoder_in_channels", vae.latentChannels());
    fields.put("decoder_out_channels", 3);
    fields.put("decoder_type", "causal_vae_conv");
    fields.put("downsample_scale", vae.spatialFactor());
    fields.put("encoder_double_z", true);
    fields.put("encoder_in_channels", 3);
    fields.put("encoder_out_channels", vae.latentChannels());
    fields.put("encoder_type", "causal_vae_conv");
    fields.put("interpolate", false);
    fields.put("sample_size", 256);
    fields.put("scaling_factor", 0.13025); // in the file, and not used
    putHalf(fields, "encoder_", "down", vae.encoder());
    fields.put("encoder_norm_num_groups", vae.encoderGroups());
    // Configurations list the decoder's widths from full resolution down, as the encoder's.
    putHalf(fields, "decoder_", "up", vae.decoder());
    fields.put("decoder_norm_num_groups", vae.decoderGroups());
    return fields;
  }

  private static void putHalf(
      Map<String, Object> fields, String half, String direction, List<Level> levels) {
    var widths = new ArrayList<>(levels.stream().map(Level::width).toList());
    boolean up = direction.equals("up");
    if (up) {
      Collections.reverse(widths);
    }
    String type = up ? "UpDecoderBlockCausal3D" : "DownEncoderBlockCausal3D";
    fields.put(half + "act_fn", "silu");
    fields.put(half + "block_dropout", Collections.nCopies(levels.size(), 0.0));
    fields.put(half + "block_out_channels", widths);
    fields.put(half + direction + "_block_types", Collections.nCopies(levels.size(), type));
    fields.put(half + "layers_per_block", levels.stream().map(Level::blocks).toList());
    fields.put(
        half + "spatial_" + direction + "_sample", levels.stream().map(Level::spatial).toList());
    fields.put(
        half + "temporal_" + direction + "_sample", levels.stream().map(Level::temporal).toList());
  }
}
