package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What AnimateDiff is published with, beside its weights. */
final class AnimateDiffDefaults {
  /** The attention layers of every motion module; patterns for others are the user's to add. */
  static final List<String> LORA_TARGETS =
      List.of(
          "**.motion_modules.*.**.to_q",
          "**.motion_modules.*.**.to_k",
          "**.motion_modules.*.**.to_v",
          "**.motion_modules.*.**.to_out.0");

  static final ModelDescription.Defaults GENERATION =
      new ModelDescription.Defaults(512, 512, 16, 8, 25, 7.5);

  /** What the tiny size makes in seconds. */
  static final ModelDescription.Defaults TINY =
      new ModelDescription.Defaults(64, 64, 16, 8, 24, 1.5);

  /** As diffusers' documentation builds it. */
  static final Map<String, Object> SCHEDULER = scheduler("linspace", false);

  /** As the authors' code builds it. */
  static final Map<String, Object> ORIGINAL_SCHEDULER = scheduler("leading", true);

  /** What Stable Diffusion 1.5 is published with, for pictures. */
  static final Map<String, Object> PICTURE_SCHEDULER = pictureScheduler();

  /** Ways to sample that users choose between. */
  static final Map<String, Map<String, Object>> SCHEDULERS =
      Map.of("ddim", SCHEDULER, "ddim_original", ORIGINAL_SCHEDULER, "dpm_solver", dpmSolver());

  private AnimateDiffDefaults() {}

  private static Map<String, Object> pictureScheduler() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("_class_name", "PNDMScheduler");
    fields.put("_diffusers_version", "0.6.0");
    fields.put("beta_end", 0.012);
    fields.put("beta_schedule", "scaled_linear");
    fields.put("beta_start", 0.00085);
    fields.put("clip_sample", false);
    fields.put("num_train_timesteps", 1000);
    fields.put("set_alpha_to_one", false);
    fields.put("skip_prk_steps", true);
    fields.put("steps_offset", 1);
    return Collections.unmodifiableMap(fields);
  }

  /** DPM-Solver++(2M) on the same noise. */
  private static Map<String, Object> dpmSolver() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("_class_name", "DPMSolverMultistepScheduler");
    fields.put("_diffusers_version", "0.25.0.dev0");
    fields.put("algorithm_type", "dpmsolver++");
    fields.put("beta_end", 0.012);
    fields.put("beta_schedule", "linear");
    fields.put("beta_start", 0.00085);
    fields.put("num_train_timesteps", 1000);
    fields.put("prediction_type", "epsilon");
    fields.put("solver_order", 2);
    fields.put("solver_type", "midpoint");
    fields.put("timestep_spacing", "linspace");
    return Collections.unmodifiableMap(fields);
  }

  private static Map<String, Object> scheduler(String spacing, boolean alphaToOne) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("_class_name", "DDIMScheduler");
    fields.put("_diffusers_version", "0.25.0.dev0");
    fields.put("beta_end", 0.012);
    fields.put("beta_schedule", "linear");
    fields.put("beta_start", 0.00085);
    fields.put("clip_sample", false);
    fields.put("num_train_timesteps", 1000);
    fields.put("prediction_type", "epsilon");
    fields.put("set_alpha_to_one", alphaToOne);
    fields.put("steps_offset", 1);
    fields.put("timestep_spacing", spacing);
    return Collections.unmodifiableMap(fields);
  }
}
