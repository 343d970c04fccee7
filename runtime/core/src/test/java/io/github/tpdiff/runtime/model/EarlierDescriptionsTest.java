package io.github.tpdiff.runtime.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Descriptions as the first version of exported folders has them. */
class EarlierDescriptionsTest {
  private static final String WAN =
      """
      {
        "family": "wan",
        "denoiser": "transformer",
        "latents": {
          "channels": 12,
          "spatial_factor": 8,
          "temporal_factor": 4,
          "shared_first_frame": true,
          "max_frames": 1024,
          "size_multiple": 16,
          "mean": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
          "std": [0.5, 0.25, 0.25, 0.15, 0.08, 0.08, 0.08, 0.05, 0.05, 0.08, 0.05, 0.05]
        },
        "text": {
          "max_length": 16,
          "cleaning": "whitespace"
        },
        "scheduler": {
          "_class_name": "UniPCMultistepScheduler",
          "_diffusers_version": "0.33.0.dev0",
          "beta_end": 0.02,
          "beta_schedule": "linear",
          "beta_start": 1.0E-4,
          "disable_corrector": [],
          "dynamic_thresholding_ratio": 0.995,
          "final_sigmas_type": "zero",
          "flow_shift": 3.0,
          "lower_order_final": true,
          "num_train_timesteps": 1000,
          "predict_x0": true,
          "prediction_type": "flow_prediction",
          "rescale_betas_zero_snr": false,
          "sample_max_value": 1.0,
          "solver_order": 2,
          "solver_type": "bh2",
          "steps_offset": 0,
          "thresholding": false,
          "timestep_spacing": "linspace",
          "use_beta_sigmas": false,
          "use_exponential_sigmas": false,
          "use_flow_sigmas": true,
          "use_karras_sigmas": false
        },
        "schedulers": {
          "flow_match_euler": {
            "_class_name": "FlowMatchEulerDiscreteScheduler",
            "num_train_timesteps": 1000,
            "shift": 3.0
          },
          "unipc": {
            "_class_name": "UniPCMultistepScheduler",
            "_diffusers_version": "0.33.0.dev0",
            "beta_end": 0.02,
            "beta_schedule": "linear",
            "beta_start": 1.0E-4,
            "disable_corrector": [],
            "dynamic_thresholding_ratio": 0.995,
            "final_sigmas_type": "zero",
            "flow_shift": 3.0,
            "lower_order_final": true,
            "num_train_timesteps": 1000,
            "predict_x0": true,
            "prediction_type": "flow_prediction",
            "rescale_betas_zero_snr": false,
            "sample_max_value": 1.0,
            "solver_order": 2,
            "solver_type": "bh2",
            "steps_offset": 0,
            "thresholding": false,
            "timestep_spacing": "linspace",
            "use_beta_sigmas": false,
            "use_exponential_sigmas": false,
            "use_flow_sigmas": true,
            "use_karras_sigmas": false
          },
          "unipc_original": {
            "_class_name": "FlowUniPCMultistepScheduler",
            "num_train_timesteps": 1000,
            "prediction_type": "flow_prediction",
            "shift": 5.0
          }
        },
        "defaults": {
          "height": 64,
          "width": 64,
          "frames": 33,
          "fps": 16.0,
          "steps": 24,
          "guidance_scale": 1.5
        }
      }
      """;

  private static final String ANIMATEDIFF =
      """
      {
        "family": "animatediff",
        "denoiser": "unet",
        "latents": {
          "channels": 4,
          "spatial_factor": 8,
          "temporal_factor": 1,
          "shared_first_frame": false,
          "max_frames": 32,
          "size_multiple": 8,
          "mean": [0.0, 0.0, 0.0, 0.0],
          "std": [0.5, 0.5, 0.5, 0.5]
        },
        "text": {
          "max_length": 16,
          "cleaning": "none"
        },
        "scheduler": {
          "_class_name": "DDIMScheduler",
          "_diffusers_version": "0.25.0.dev0",
          "beta_end": 0.012,
          "beta_schedule": "linear",
          "beta_start": 8.5E-4,
          "clip_sample": false,
          "num_train_timesteps": 1000,
          "prediction_type": "epsilon",
          "set_alpha_to_one": false,
          "steps_offset": 1,
          "timestep_spacing": "linspace"
        },
        "schedulers": {
          "ddim": {
            "_class_name": "DDIMScheduler",
            "_diffusers_version": "0.25.0.dev0",
            "beta_end": 0.012,
            "beta_schedule": "linear",
            "beta_start": 8.5E-4,
            "clip_sample": false,
            "num_train_timesteps": 1000,
            "prediction_type": "epsilon",
            "set_alpha_to_one": false,
            "steps_offset": 1,
            "timestep_spacing": "linspace"
          },
          "ddim_original": {
            "_class_name": "DDIMScheduler",
            "_diffusers_version": "0.25.0.dev0",
            "beta_end": 0.012,
            "beta_schedule": "linear",
            "beta_start": 8.5E-4,
            "clip_sample": false,
            "num_train_timesteps": 1000,
            "prediction_type": "epsilon",
            "set_alpha_to_one": true,
            "steps_offset": 1,
            "timestep_spacing": "leading"
          },
          "dpm_solver": {
            "_class_name": "DPMSolverMultistepScheduler",
            "_diffusers_version": "0.25.0.dev0",
            "algorithm_type": "dpmsolver++",
            "beta_end": 0.012,
            "beta_schedule": "linear",
            "beta_start": 8.5E-4,
            "num_train_timesteps": 1000,
            "prediction_type": "epsilon",
            "solver_order": 2,
            "solver_type": "midpoint",
            "timestep_spacing": "linspace"
          }
        },
        "defaults": {
          "height": 64,
          "width": 64,
          "frames": 16,
          "fps": 8.0,
          "steps": 24,
          "guidance_scale": 1.5
        }
      }
      """;

  private static List<String> names(ModelDescription description) {
    return description.flow().components().stream().map(ComponentDescription::name).toList();
  }

  @Test
  void wan_readsRealTokensAlone() {
    ModelDescription wan = RecordJson.PIPELINE.parse(WAN, "here");
    assertThat(wan.family()).isEqualTo("wan");
    assertThat(wan.denoiser()).isEqualTo("transformer");
    assertThat(wan.flow().texts())
        .containsExactly(
            new Text("tokenizer", 16, Text.Cleaning.WHITESPACE, Text.Padding.ZERO_ROWS));
    assertThat(names(wan))
        .containsExactly(
            "text_encoder",
            "transformer/conditioning",
            "transformer",
            "vae_encoder/first",
            "vae_encoder",
            "vae_decoder/first",
            "vae_decoder");
    assertThat(wan.flow().network("transformer"))
        .containsExactly("transformer/conditioning", "transformer");
    assertThat(wan.flow().generating())
        .containsExactly("text_encoder", "transformer/conditioning", "transformer", "vae_decoder");
    assertThat(wan.flow().denoisers()).containsExactly(Flow.Expert.alone("transformer"));
    assertThat(wan.flow().sizes()).containsExactly(Map.entry("text", 16L));
  }

  @Test
  void animateDiff_readsPaddingAsWell() {
    ModelDescription model = RecordJson.PIPELINE.parse(ANIMATEDIFF, "here");
    assertThat(model.denoiser()).isEqualTo("unet");
    assertThat(model.flow().texts())
        .containsExactly(new Text("tokenizer", 16, Text.Cleaning.NONE, Text.Padding.ENCODED));
    assertThat(model.flow().network("unet")).containsExactly("unet/conditioning", "unet");
    assertThat(model.flow().generating())
        .containsExactly("text_encoder", "unet/conditioning", "unet", "vae_decoder");
  }

  /** The text's states are what the network is told, in every stage the same. */
  @Test
  void prompt_flowsFromTokensToTheNetwork() {
    for (String text : List.of(WAN, ANIMATEDIFF)) {
      Flow flow = RecordJson.PIPELINE.parse(text, "here").flow();
      assertThat(flow.conditions())
          .extracting(Condition::name)
          .containsExactly("encoder_hidden_states");
      Condition states = flow.conditions().get(0);
      assertThat(states.follows()).isEqualTo(Condition.Follows.NOTHING);
      assertThat(states.optional()).isFalse();
      ComponentDescription encoder = flow.writers(List.of("encoder_hidden_states")).get(0);
      assertThat(encoder.name()).isEqualTo("text_encoder");
      assertThat(encoder.reads())
          .containsOnly(
              Map.entry("input_ids", "tokenizer.input_ids"),
              Map.entry("attention_mask", "tokenizer.attention_mask"));
      assertThat(encoder.writes())
          .containsOnly(Map.entry("last_hidden_state", "encoder_hidden_states"));
      assertThat(flow.conditions(true)).isEmpty();
    }
  }

  @Test
  void whatTheyHadAlready_staysAsItWas() {
    ModelDescription wan = RecordJson.PIPELINE.parse(WAN, "here");
    assertThat(wan.targetScale()).isEqualTo(TargetScale.GLOBAL);
    assertThat(wan.latents())
        .isEqualTo(
            new ModelDescription.Latents(
                12,
                8,
                4,
                true,
                1024,
                16,
                Collections.nCopies(12, 0.0),
                List.of(0.5, 0.25, 0.25, 0.15, 0.08, 0.08, 0.08, 0.05, 0.05, 0.08, 0.05, 0.05)));
    assertThat(wan.defaults()).isEqualTo(new ModelDescription.Defaults(64, 64, 33, 16, 24, 1.5));
    assertThat(wan.scheduler())
        .hasSize(24)
        .containsEntry("_class_name", "UniPCMultistepScheduler")
        .containsEntry("flow_shift", 3.0);
    assertThat(wan.schedulers()).containsOnlyKeys("flow_match_euler", "unipc", "unipc_original");
  }

  @Test
  void written_theyAreOfThisVersionAndTheSame() {
    for (String text : List.of(WAN, ANIMATEDIFF)) {
      ModelDescription description = RecordJson.PIPELINE.parse(text, "here");
      String written = RecordJson.PIPELINE.format(description);
      assertThat(written).startsWith("{\n  \"version\": \"2.2\",");
      assertThat(RecordJson.PIPELINE.parse(written, "here")).isEqualTo(description);
    }
  }

  @Test
  void damagedOnes_areRefusedByField() {
    assertRefused(
        WAN.replace("\"max_length\": 16", "\"max_length\": 1"),
        "here: text.max_length: expected from 2 to 4096, found 1");
    assertRefused(
        WAN.replace("\"channels\"", "\"chanels\""),
        "here: latents.chanels: there is no such field; did you mean channels?");
    assertRefused(
        WAN.replace("\"transformer\"", "\"../transformer\""),
        "here: components: expected a name such as text_encoder or transformer/conditioning, found"
            + " '../transformer/conditioning'");
    assertRefused("{}", "here: family: expected a string, found nothing");
  }

  private static void assertRefused(String text, String message) {
    assertThatThrownBy(() -> RecordJson.PIPELINE.parse(text, "here"))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(message);
  }
}
