package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.List;
import java.util.Map;

/** What Pyramid-Flow's miniFLUX is published with. */
final class MiniFluxDefaults {
  /**
   * Rectified flow over the whole clip at its full size, as TPDiff trains it; what Pyramid-Flow's
   * own sampling uses over its spatial stages is {@link PyramidFlowSchedule}.
   */
  static final Map<String, Object> SCHEDULER =
      Map.of(
          "_class_name",
          "FlowMatchEulerDiscreteScheduler",
          "num_train_timesteps",
          1000,
          "shift",
          1.0);

  static final Map<String, Map<String, Object>> SCHEDULERS =
      Map.of(
          "flow_match_euler",
          SCHEDULER,
          "unipc",
          Map.of(
              "_class_name",
              "UniPCMultistepScheduler",
              "num_train_timesteps",
              1000,
              "prediction_type",
              "flow_prediction",
              "use_flow_sigmas",
              true,
              "flow_shift",
              1.0));

  /** 384p: five seconds, 16 latent frames; guidance as for the frames after the first. */
  static final ModelDescription.Defaults GENERATION =
      new ModelDescription.Defaults(384, 640, 121, 24, 30, 5);

  /**
   * What the tiny size makes in seconds: five latent frames, of which three stages have 2, 3, 5.
   */
  static final ModelDescription.Defaults TINY =
      new ModelDescription.Defaults(64, 64, 33, 24, 24, 1.5);

  /** Attention and feed-forward of double blocks, attention of single ones. */
  static final List<String> LORA_TARGETS =
      List.of(
          "to_q",
          "to_k",
          "to_v",
          "to_out.0",
          "add_q_proj",
          "add_k_proj",
          "add_v_proj",
          "to_add_out");

  private MiniFluxDefaults() {}
}
