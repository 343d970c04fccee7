package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.Chunk;
import io.github.tpdiff.adapters.ClipVisionConfig;
import io.github.tpdiff.adapters.ClipVisionModel;
import io.github.tpdiff.adapters.T5Config;
import io.github.tpdiff.adapters.T5Config.PositionBias;
import io.github.tpdiff.adapters.T5Encoder;
import io.github.tpdiff.adapters.madeup.MadeUpWords;
import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.text.UnigramTokenizerWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The sizes of all components of one model, and the configuration files that record them.
 *
 * @param transformer of the only one, or of each of two
 * @param two whether there are two, by time
 * @param imageEncoder of models that have one
 */
record WanSizes(
    WanTransformerConfig transformer,
    boolean two,
    WanVaeConfig vae,
    T5Config textEncoder,
    Optional<ClipVisionConfig> imageEncoder) {
  static final String DIFFUSERS = "0.35.0.dev0";
  private static final List<Integer> PATCH = List.of(1, 2, 2);
  private static final int TEMPORAL_FACTOR = 4;

  /** Wan 2.1 T2V 1.3B. */
  static WanSizes ofText1_3B() {
    return published(transformer(12, 8960, 30, 16), false);
  }

  /** Wan 2.1 T2V 14B. */
  static WanSizes ofText14B() {
    return published(transformer(40, 13_824, 40, 16), false);
  }

  /** Wan 2.1 I2V 14B. */
  static WanSizes ofPicture14B() {
    var encoder = ClipVisionConfig.PUBLISHED;
    return new WanSizes(
        withPicture(transformer(40, 13_824, 40, 16), Optional.of(encoder)),
        false,
        WanVaeConfig.PUBLISHED,
        publishedText(),
        Optional.of(encoder));
  }

  /** Wan 2.2 TI2V 5B. */
  static WanSizes ofGivenFrame5B() {
    return new WanSizes(
        transformer(24, 14_336, 30, WanTransformerConfig.GIVEN_FRAMES_CHANNELS)
            .with(Timesteps.PER_FRAME),
        false,
        WanVaeConfig.PUBLISHED_RESIDUAL,
        publishedText(),
        Optional.empty());
  }

  /** Wan 2.2 T2V A14B. */
  static WanSizes ofTextA14B() {
    return published(transformer(40, 13_824, 40, 16), true);
  }

  /** Wan 2.2 I2V A14B. */
  static WanSizes ofPictureA14B() {
    return published(withPicture(transformer(40, 13_824, 40, 16), Optional.empty()), true);
  }

  private static WanSizes published(WanTransformerConfig transformer, boolean two) {
    return new WanSizes(
        transformer, two, WanVaeConfig.PUBLISHED, publishedText(), Optional.empty());
  }

  /** Wan's structure at a size that two processor cores train in a minute. */
  static WanSizes tiny() {
    return tiny(tinyTransformer(), Optional.empty());
  }

  /** The same told of pictures as Wan 2.1 I2V is. */
  static WanSizes tinyPicture() {
    var encoder = new ClipVisionConfig(32, 3, 4, 64, 32, 8, UnaryKind.GELU_ERF, 1e-5);
    return tiny(withPicture(tinyTransformer(), Optional.of(encoder)), Optional.of(encoder));
  }

  /** The same with two transformers, as Wan 2.2 T2V A14B. */
  static WanSizes tinyTwo() {
    WanSizes one = tiny();
    return new WanSizes(one.transformer, true, one.vae, one.textEncoder, Optional.empty());
  }

  /** The structure of Wan 2.2 TI2V 5B in small. */
  static WanSizes tinyGivenFrame() {
    int channels = ResidualCodec.CONFIG.latentChannels();
    return new WanSizes(
        new WanTransformerConfig(
            8,
            32,
            3,
            512,
            channels,
            channels,
            64,
            64,
            PATCH,
            1e-6,
            Optional.empty(),
            Timesteps.PER_FRAME),
        false,
        ResidualCodec.CONFIG,
        tinyText(),
        Optional.empty());
  }

  private static WanSizes tiny(
      WanTransformerConfig transformer, Optional<ClipVisionConfig> imageEncoder) {
    return new WanSizes(transformer, false, LinearCodec.CONFIG, tinyText(), imageEncoder);
  }

  private static WanTransformerConfig tinyTransformer() {
    int channels = LinearCodec.CONFIG.latentChannels();
    return new WanTransformerConfig(
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
        Timesteps.PER_CLIP);
  }

  private static T5Config tinyText() {
    return new T5Config(
        tokenizer().vocabularySize(), 64, 2, 4, 16, 128, 32, 128, 1e-6, PositionBias.OF_EACH_BLOCK);
  }

  /** Further channels for a mask and latents of pictures, and rows of an image encoder. */
  private static WanTransformerConfig withPicture(
      WanTransformerConfig transformer, Optional<ClipVisionConfig> encoder) {
    return new WanTransformerConfig(
        transformer.heads(),
        transformer.headDim(),
        transformer.layers(),
        transformer.ffnDim(),
        2 * transformer.outChannels() + TEMPORAL_FACTOR,
        transformer.outChannels(),
        transformer.textDim(),
        transformer.freqDim(),
        transformer.patchSize(),
        transformer.eps(),
        encoder.map(sizes -> new WanTransformerConfig.ImageBranch(sizes.width(), Optional.empty())),
        transformer.timesteps());
  }

  /** Which published model these are the sizes of. */
  WanVariant variant() {
    return WanVariant.of(Optional.of(transformer), two);
  }

  /** The components of the model. */
  List<WanComponent> components() {
    var components = new ArrayList<>(List.of(WanComponent.TRANSFORMER));
    if (two) {
      components.add(WanComponent.TRANSFORMER_2);
    }
    components.addAll(List.of(WanComponent.VAE, WanComponent.TEXT_ENCODER));
    if (imageEncoder.isPresent()) {
      components.add(WanComponent.IMAGE_ENCODER);
    }
    return components;
  }

  /** Prompts of a sentence: the made-up text encoder has nothing to say about longer ones. */
  static UnigramTokenizerWriter tokenizer() {
    return new UnigramTokenizerWriter(MadeUpWords.ALL, 16);
  }

  private static WanTransformerConfig transformer(int heads, int ffnDim, int layers, int channels) {
    return new WanTransformerConfig(
        heads,
        128,
        layers,
        ffnDim,
        channels,
        channels,
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
      case VAE -> programs(vae);
      case TEXT_ENCODER -> List.of(new T5Encoder(textEncoder).program());
      case IMAGE_ENCODER -> List.of(new ClipVisionModel(imageEncoder.orElseThrow()).program(1));
    };
  }

  static List<Program> programs(WanVaeConfig vae) {
    var model = new WanVae(vae);
    return List.of(model.encoder(Chunk.NEXT), model.decoder(Chunk.NEXT));
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
}
