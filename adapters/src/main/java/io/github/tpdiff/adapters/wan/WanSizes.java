package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.Chunk;
import io.github.tpdiff.adapters.ClipVisionConfig;
import io.github.tpdiff.adapters.ClipVisionModel;
import io.github.tpdiff.adapters.T5Config;
import io.github.tpdiff.adapters.T5Config.PositionBias;
import io.github.tpdiff.adapters.T5Encoder;
import io.github.tpdiff.adapters.madeup.MadeUpWords;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.text.UnigramTokenizerWriter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The sizes of all components of one model, and the configuration files that record them. */
record WanSizes(
    WanTransformerConfig transformer,
    WanVaeConfig vae,
    T5Config textEncoder,
    Optional<ClipVisionConfig> imageEncoder) {
  private static final String DIFFUSERS = "0.33.0.dev0";
  private static final List<Integer> PATCH = List.of(1, 2, 2);

  static final WanSizes WAN_1_3B =
      new WanSizes(
          published(12, 8960, 30), WanVaeConfig.PUBLISHED, publishedText(), Optional.empty());
  static final WanSizes WAN_14B =
      new WanSizes(
          published(40, 13824, 40), WanVaeConfig.PUBLISHED, publishedText(), Optional.empty());

  /** Wan's structure at a size that two processor cores train in a minute. */
  static WanSizes tiny() {
    int vocabulary = tokenizer().vocabularySize();
    int channels = LinearCodec.CONFIG.latentChannels();
    return new WanSizes(
        new WanTransformerConfig(
            4,
            24,
            3,
            256,
            channels,
            channels,
            64,
            64,
            PATCH,
            1e-6,
            Optional.empty(),
            Timesteps.PER_CLIP),
        LinearCodec.CONFIG,
        new T5Config(vocabulary, 64, 2, 4, 16, 128, 32, 128, 1e-6, PositionBias.OF_EACH_BLOCK),
        Optional.empty());
  }

  /** Prompts of a sentence: the made-up text encoder has nothing to say about longer ones. */
  static UnigramTokenizerWriter tokenizer() {
    return new UnigramTokenizerWriter(MadeUpWords.ALL, 16);
  }

  private static WanTransformerConfig published(int heads, int ffnDim, int layers) {
    return new WanTransformerConfig(
        heads,
        128,
        layers,
        ffnDim,
        16,
        16,
        4096,
        256,
        PATCH,
        1e-6,
        Optional.empty(),
        Timesteps.PER_CLIP);
  }

  private static T5Config publishedText() {
    return new T5Config(
        256_384, 4096, 24, 64, 64, 10_240, 32, 128, 1e-6, PositionBias.OF_EACH_BLOCK);
  }

  /** Programs that together use every tensor of the component. */
  List<Program> programs(WanComponent component) {
    return switch (component) {
      case TRANSFORMER, TRANSFORMER_2 -> {
        var model = new WanTransformer(transformer);
        yield List.of(model.denoiser(), model.conditioning());
      }
      case VAE -> {
        var model = new WanVae(vae);
        yield List.of(model.encoder(Chunk.NEXT), model.decoder(Chunk.NEXT));
      }
      case TEXT_ENCODER -> List.of(new T5Encoder(textEncoder).program());
      case IMAGE_ENCODER -> List.of(new ClipVisionModel(imageEncoder.orElseThrow()).program(1));
    };
  }

  /** The fields of {@code config.json} as published. */
  Map<String, Object> config(WanComponent component) {
    return switch (component) {
      case TRANSFORMER, TRANSFORMER_2 -> config(transformer);
      case VAE -> config(vae);
      case TEXT_ENCODER -> textEncoder.fields();
      case IMAGE_ENCODER -> imageEncoder.orElseThrow().fields();
    };
  }

  static Map<String, Object> config(WanTransformerConfig transformer) {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("_class_name", "WanTransformer3DModel");
    fields.put("_diffusers_version", DIFFUSERS);
    fields.put("attention_head_dim", transformer.headDim());
    fields.put("cross_attn_norm", true);
    fields.put("eps", transformer.eps());
    fields.put("ffn_dim", transformer.ffnDim());
    fields.put("freq_dim", transformer.freqDim());
    fields.put("in_channels", transformer.inChannels());
    fields.put("num_attention_heads", transformer.heads());
    fields.put("num_layers", transformer.layers());
    fields.put("out_channels", transformer.outChannels());
    fields.put("patch_size", transformer.patchSize());
    fields.put("qk_norm", "rms_norm_across_heads");
    fields.put("rope_max_seq_len", 1024);
    fields.put("text_dim", transformer.textDim());
    transformer
        .image()
        .ifPresent(
            image -> {
              fields.put("image_dim", image.dim());
              fields.put("added_kv_proj_dim", transformer.width());
              image.positions().ifPresent(rows -> fields.put("pos_embed_seq_len", rows));
            });
    return fields;
  }

  /** The same as the authors' code reads it. */
  static Map<String, Object> originalConfig(WanTransformerConfig transformer) {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("_class_name", "WanModel");
    fields.put("_diffusers_version", "0.30.0");
    fields.put("dim", transformer.width());
    fields.put("eps", transformer.eps());
    fields.put("ffn_dim", transformer.ffnDim());
    fields.put("freq_dim", transformer.freqDim());
    fields.put("in_dim", transformer.inChannels());
    fields.put(WanTransformerConfig.MODEL_TYPE, modelType(transformer));
    fields.put("num_heads", transformer.heads());
    fields.put("num_layers", transformer.layers());
    fields.put("out_dim", transformer.outChannels());
    fields.put("text_dim", transformer.textDim());
    fields.put("text_len", WanDefaults.TEXT_LENGTH);
    return fields;
  }

  private static String modelType(WanTransformerConfig transformer) {
    if (transformer.timesteps() == Timesteps.PER_FRAME) {
      return WanTransformerConfig.TI2V;
    }
    if (transformer.image().flatMap(WanTransformerConfig.ImageBranch::positions).isPresent()) {
      return "flf2v";
    }
    return transformer.conditionChannels() > 0 ? "i2v" : "t2v";
  }

  static Map<String, Object> config(WanVaeConfig vae) {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("_class_name", "AutoencoderKLWan");
    fields.put("_diffusers_version", DIFFUSERS);
    fields.put("attn_scales", List.of());
    fields.put("base_dim", vae.baseDim());
    fields.put("dim_mult", vae.dimMult());
    fields.put("dropout", 0.0);
    fields.put("latents_mean", vae.latentsMean());
    fields.put("latents_std", vae.latentsStd());
    fields.put("num_res_blocks", vae.resBlocks());
    fields.put("temperal_downsample", vae.temporalDownsample());
    fields.put("z_dim", vae.latentChannels());
    if (vae.decoderBaseDim() != vae.baseDim()) {
      fields.put("decoder_base_dim", vae.decoderBaseDim());
    }
    if (vae.residual() || vae.patchSize() != 1) {
      fields.put("in_channels", vae.patchChannels());
      fields.put("is_residual", vae.residual());
      fields.put("out_channels", vae.patchChannels());
      fields.put("patch_size", vae.patchSize());
      fields.put("scale_factor_spatial", vae.spatialFactor());
      fields.put("scale_factor_temporal", vae.temporalFactor());
    }
    return fields;
  }

  static Map<String, Object> modelIndex() {
    return Map.of(
        "_class_name", "WanPipeline",
        "_diffusers_version", DIFFUSERS,
        "scheduler", List.of("diffusers", "UniPCMultistepScheduler"),
        "text_encoder", List.of("transformers", "UMT5EncoderModel"),
        "tokenizer", List.of("transformers", "T5TokenizerFast"),
        "transformer", List.of("diffusers", "WanTransformer3DModel"),
        "vae", List.of("diffusers", "AutoencoderKLWan"));
  }
}
