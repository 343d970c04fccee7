package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.ClipTextConfig;
import io.github.tpdiff.adapters.ClipTextModel;
import io.github.tpdiff.adapters.MadeUpPart;
import io.github.tpdiff.adapters.MadeUpWords;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.text.ClipTokenizerWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The sizes of all components of one model, and the configuration files that record them. */
record AnimateDiffSizes(
    UnetConfig unet, MotionConfig motion, AutoencoderKlConfig vae, ClipTextConfig textEncoder) {
  private static final String DIFFUSERS = "0.25.0.dev0";

  /** Stable Diffusion 1.5 with motion modules v3. */
  static final AnimateDiffSizes SD_1_5 =
      new AnimateDiffSizes(
          UnetConfig.PUBLISHED,
          MotionConfig.PUBLISHED,
          AutoencoderKlConfig.PUBLISHED,
          ClipTextConfig.PUBLISHED);

  /** Tokens of prompts of a sentence: the made-up text encoder has nothing to say about more. */
  private static final int SENTENCE = 16;

  /** The structure at a size that two processor cores train in a minute. */
  static AnimateDiffSizes tiny() {
    int vocabulary = tokenizer(SENTENCE).vocabularySize();
    var unet =
        new UnetConfig(
            List.of(32, 48), 1, List.of(true, false), 2, 64, 4, 1, 1e-5, NormStatistics.FRAME);
    return new AnimateDiffSizes(
        unet,
        new MotionConfig(
            2,
            MotionConfig.PUBLISHED.positions(),
            1,
            false,
            NormConvention.DIFFUSERS,
            PositionTable.COMPUTED),
        PictureCodec.CONFIG,
        new ClipTextConfig(vocabulary, SENTENCE, 64, 2, 4, 128, UnaryKind.QUICK_GELU, 1e-5, 2));
  }

  private static ClipTokenizerWriter tokenizer(int length) {
    return new ClipTokenizerWriter(MadeUpWords.ALL, length);
  }

  /** The tokenizer, with no more tokens than the text encoder has positions. */
  ClipTokenizerWriter tokenizer() {
    return tokenizer(textEncoder.positions());
  }

  /** The values of each part that are not to be random. */
  record Start(MadeUpPart.Values unet, MadeUpPart.Values motion, MadeUpPart.Values vae) {
    static final Start RANDOM = new Start(MadeUpPart.RANDOM, MadeUpPart.RANDOM, MadeUpPart.RANDOM);
  }

  /** The four parts, in the order in which they are written. */
  List<MadeUpPart> parts(Start start) {
    return List.of(
        part("unet", false, unetConfig(), start.unet()),
        part("motion_adapter", true, motionConfig(), start.motion()),
        new MadeUpPart(
            "vae",
            MadeUpPart.DIFFUSERS_FILE,
            () -> List.copyOf(StableDiffusionParts.vae(vae).values()),
            vaeConfig(),
            start.vae()),
        new MadeUpPart(
            "text_encoder",
            "model",
            () -> List.of(new ClipTextModel(textEncoder).program()),
            textEncoderConfig(),
            MadeUpPart.RANDOM));
  }

  private MadeUpPart part(
      String folder, boolean modules, Map<String, Object> config, MadeUpPart.Values values) {
    return new MadeUpPart(
        folder, MadeUpPart.DIFFUSERS_FILE, () -> List.of(weights(folder, modules)), config, values);
  }

  /** A program that uses the tensors of the motion modules, or all others of the network. */
  private Program weights(String name, boolean modules) {
    Map<String, Value> used = new LinkedHashMap<>();
    AnimateDiffComponents.programs(unet, motion)
        .values()
        .forEach(program -> program.weights().forEach(used::putIfAbsent));
    used.keySet().removeIf(tensor -> tensor.contains(".motion_modules.") != modules);
    return new Program(name, List.of(new Graph(name, used)), List.copyOf(used.keySet()));
  }

  private Map<String, Object> unetConfig() {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("_class_name", "UNet2DConditionModel");
    fields.put("_diffusers_version", "0.6.0");
    fields.put("act_fn", "silu");
    fields.put("attention_head_dim", unet.heads());
    fields.put("block_out_channels", unet.widths());
    fields.put("center_input_sample", false);
    fields.put("cross_attention_dim", unet.textDim());
    fields.put("down_block_types", blockTypes("Down", unet.attentive()));
    fields.put("downsample_padding", 1);
    fields.put("flip_sin_to_cos", true);
    fields.put("freq_shift", 0);
    fields.put("in_channels", unet.channels());
    fields.put("layers_per_block", unet.layers());
    fields.put("mid_block_scale_factor", 1);
    fields.put("norm_eps", unet.normEps());
    fields.put("norm_num_groups", unet.normGroups());
    fields.put("out_channels", unet.channels());
    fields.put("sample_size", 64);
    var upwards = new ArrayList<>(unet.attentive());
    Collections.reverse(upwards);
    fields.put("up_block_types", blockTypes("Up", upwards));
    return fields;
  }

  private static List<String> blockTypes(String direction, List<Boolean> attentive) {
    return attentive.stream()
        .map(attends -> (attends ? "CrossAttn" : "") + direction + "Block2D")
        .toList();
  }

  private Map<String, Object> motionConfig() {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("_class_name", "MotionAdapter");
    fields.put("_diffusers_version", DIFFUSERS);
    fields.put("block_out_channels", unet.widths());
    fields.put("motion_layers_per_block", unet.layers());
    fields.put("motion_max_seq_length", motion.positions());
    fields.put("motion_mid_block_layers_per_block", 1);
    fields.put("motion_norm_num_groups", motion.normGroups());
    fields.put("motion_num_attention_heads", motion.heads());
    fields.put("use_motion_mid_block", motion.middle());
    return fields;
  }

  private Map<String, Object> vaeConfig() {
    Map<String, Object> fields = new TreeMap<>();
    int levels = vae.widths().size();
    fields.put("_class_name", "AutoencoderKL");
    fields.put("_diffusers_version", "0.6.0");
    fields.put("act_fn", "silu");
    fields.put("block_out_channels", vae.widths());
    fields.put("down_block_types", Collections.nCopies(levels, "DownEncoderBlock2D"));
    fields.put("in_channels", 3);
    fields.put("latent_channels", vae.latentChannels());
    fields.put("layers_per_block", vae.resBlocks());
    fields.put("norm_num_groups", vae.normGroups());
    fields.put("out_channels", 3);
    fields.put("sample_size", 512);
    fields.put("scaling_factor", vae.scalingFactor());
    fields.put("up_block_types", Collections.nCopies(levels, "UpDecoderBlock2D"));
    return fields;
  }

  private Map<String, Object> textEncoderConfig() {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("architectures", List.of("CLIPTextModel"));
    fields.put("bos_token_id", 0);
    fields.put("eos_token_id", textEncoder.eosToken());
    fields.put("hidden_act", "quick_gelu");
    fields.put("hidden_size", textEncoder.width());
    fields.put("intermediate_size", textEncoder.ffnDim());
    fields.put("layer_norm_eps", textEncoder.eps());
    fields.put("max_position_embeddings", textEncoder.positions());
    fields.put("model_type", "clip_text_model");
    fields.put("num_attention_heads", textEncoder.heads());
    fields.put("num_hidden_layers", textEncoder.layers());
    fields.put("pad_token_id", 1);
    fields.put("vocab_size", textEncoder.vocabulary());
    return fields;
  }

  static Map<String, Object> modelIndex() {
    return Map.of(
        "_class_name", "AnimateDiffPipeline",
        "_diffusers_version", DIFFUSERS,
        "motion_adapter", List.of("diffusers", "MotionAdapter"),
        "scheduler", List.of("diffusers", "DDIMScheduler"),
        "text_encoder", List.of("transformers", "CLIPTextModel"),
        "tokenizer", List.of("transformers", "CLIPTokenizer"),
        "unet", List.of("diffusers", "UNet2DConditionModel"),
        "vae", List.of("diffusers", "AutoencoderKL"));
  }
}
