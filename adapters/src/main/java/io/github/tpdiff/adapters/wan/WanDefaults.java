package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the published Wan models have in common. */
final class WanDefaults {
  /** Tokens per prompt; the transformer was trained with exactly as many rows. */
  static final int TEXT_LENGTH = 512;

  /** {@code rope_max_seq_len} of every published model. */
  static final int MAX_FRAMES = 1024;

  static final List<String> LORA_TARGETS =
      List.of("to_q", "to_k", "to_v", "to_out.0", "ffn.net.0.proj", "ffn.net.2");

  /** What the tiny size of Wan 2.2 5B makes in seconds; a latent has four times the pixels. */
  static final ModelDescription.Defaults TINY_GIVEN_FRAME =
      new ModelDescription.Defaults(128, 128, 33, 16, 24, 1.5);

  /** What the other tiny sizes make in seconds. */
  static final ModelDescription.Defaults TINY =
      new ModelDescription.Defaults(64, 64, 33, 16, 24, 1.5);

  /** What the authors' code does; their layout has no file for it. */
  static Map<String, Object> originalScheduler(double shift) {
    return Map.of(
        "_class_name",
        "FlowUniPCMultistepScheduler",
        "num_train_timesteps",
        1000,
        "shift",
        shift,
        "prediction_type",
        "flow_prediction");
  }

  /**
   * Ways to sample that users choose between.
   *
   * @param shift of diffusers' folders
   * @param originalShift of the authors' code
   */
  static Map<String, Map<String, Object>> schedulers(double shift, double originalShift) {
    return Map.of(
        "unipc",
        scheduler(shift),
        "unipc_original",
        originalScheduler(originalShift),
        "flow_match_euler",
        Map.of(
            "_class_name",
            "FlowMatchEulerDiscreteScheduler",
            "num_train_timesteps",
            1000,
            "shift",
            shift));
  }

  private WanDefaults() {}

  /** {@code scheduler_config.json} of the diffusers folders, without its nulls. */
  static Map<String, Object> scheduler(double shift) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("_class_name", "UniPCMultistepScheduler");
    fields.put("_diffusers_version", "0.33.0.dev0");
    fields.put("beta_end", 0.02);
    fields.put("beta_schedule", "linear");
    fields.put("beta_start", 0.0001);
    fields.put("disable_corrector", List.of());
    fields.put("dynamic_thresholding_ratio", 0.995);
    fields.put("final_sigmas_type", "zero");
    fields.put("flow_shift", shift);
    fields.put("lower_order_final", true);
    fields.put("num_train_timesteps", 1000);
    fields.put("predict_x0", true);
    fields.put("prediction_type", "flow_prediction");
    fields.put("rescale_betas_zero_snr", false);
    fields.put("sample_max_value", 1.0);
    fields.put("solver_order", 2);
    fields.put("solver_type", "bh2");
    fields.put("steps_offset", 0);
    fields.put("thresholding", false);
    fields.put("timestep_spacing", "linspace");
    fields.put("use_beta_sigmas", false);
    fields.put("use_exponential_sigmas", false);
    fields.put("use_flow_sigmas", true);
    fields.put("use_karras_sigmas", false);
    return java.util.Collections.unmodifiableMap(fields);
  }
}
