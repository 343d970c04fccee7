package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.ClipTextConfig;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.Network;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** The configuration files of diffusers' layout, as published. */
final class PartConfigs {
  private static final String DIFFUSERS = "0.25.0.dev0";

  private PartConfigs() {}

  /**
   * That of a part by its tensors and what another one says.
   *
   * @param weights under diffusers' names
   * @throws io.github.tpdiff.weights.CheckpointException saying what neither tells
   */
  static Optional<Map<String, Object>> of(
      Network network, TensorSource weights, ConfigFile config) {
    return switch (network) {
      case SD_UNET -> {
        requireHeads(config, "attention_head_dim", widths(weights, "resnets.0.conv1"));
        var sizes = UnetConfig.read(config, weights, NormStatistics.FRAME);
        yield Optional.of(unet(sizes, extent(weights, "conv_out.weight")));
      }
      case MOTION_ADAPTER -> {
        List<Integer> widths = widths(weights, "motion_modules.0.norm");
        requireHeads(config, "motion_num_attention_heads", widths);
        yield Optional.of(
            motion(
                MotionConfig.read(config, weights, Layout.DIFFUSERS),
                widths,
                count(weights, "down_blocks.0.motion_modules.%d.norm.weight")));
      }
      case SD_VAE -> Optional.of(vae(AutoencoderKlConfig.read(config, weights)));
      case CLIP_TEXT_ENCODER ->
          Optional.of(config.checked(() -> ClipTextConfig.read(config, weights)).fields());
      default -> Optional.empty();
    };
  }

  /** No tensor tells how many heads there are; networks of the published widths have 8. */
  private static void requireHeads(ConfigFile config, String field, List<Integer> widths) {
    if (config.findAny(field).isEmpty() && !widths.equals(UnetConfig.PUBLISHED.widths())) {
      throw config.wrong(
          field,
          "the number of heads, as widths are %s and not those of Stable Diffusion 1.5"
              .formatted(widths),
          "none");
    }
  }

  private static List<Integer> widths(TensorSource weights, String first) {
    var widths = new ArrayList<Integer>();
    String tensor = "down_blocks.%d." + first + ".weight";
    for (int level = 0; level < count(weights, tensor); level++) {
      widths.add(extent(weights, tensor.formatted(level)));
    }
    return widths;
  }

  private static int count(TensorSource weights, String numbered) {
    int count = 0;
    while (weights.find(numbered.formatted(count)).isPresent()) {
      count++;
    }
    return count;
  }

  private static int extent(TensorSource weights, String tensor) {
    return weights.require(tensor).shape().stream().findFirst().map(Math::toIntExact).orElse(1);
  }

  /** The files around the parts of a whole model. */
  static Map<String, Map<String, ?>> surroundings(Set<Network> networks) {
    if (networks.contains(Network.SD_UNET) && networks.contains(Network.MOTION_ADAPTER)) {
      return Map.of(
          "model_index.json",
          modelIndex(),
          "scheduler/scheduler_config.json",
          AnimateDiffDefaults.SCHEDULER);
    }
    return networks.contains(Network.SD_UNET)
        ? Map.of(
            "model_index.json",
            pictureModelIndex(),
            "scheduler/scheduler_config.json",
            AnimateDiffDefaults.PICTURE_SCHEDULER)
        : Map.of();
  }

  static Map<String, Object> unet(UnetConfig unet, int outChannels) {
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
    fields.put("out_channels", outChannels);
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

  static Map<String, Object> motion(MotionConfig motion, List<Integer> widths, int layers) {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("_class_name", "MotionAdapter");
    fields.put("_diffusers_version", DIFFUSERS);
    fields.put("block_out_channels", widths);
    fields.put("motion_layers_per_block", layers);
    fields.put("motion_max_seq_length", motion.positions());
    fields.put("motion_mid_block_layers_per_block", 1);
    fields.put("motion_norm_num_groups", motion.normGroups());
    fields.put("motion_num_attention_heads", motion.heads());
    fields.put("use_motion_mid_block", motion.middle());
    return fields;
  }

  static Map<String, Object> vae(AutoencoderKlConfig vae) {
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

  /** Stable Diffusion 1.5 without motion modules. */
  private static Map<String, Object> pictureModelIndex() {
    Map<String, Object> fields = new LinkedHashMap<>(modelIndex());
    fields.remove("motion_adapter");
    fields.put("_class_name", "StableDiffusionPipeline");
    fields.put("scheduler", List.of("diffusers", "PNDMScheduler"));
    List<String> none = Arrays.asList(null, null);
    fields.put("feature_extractor", none);
    fields.put("safety_checker", none);
    fields.put("requires_safety_checker", false);
    return fields;
  }
}
