package io.github.tpdiff.runtime.pipeline;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * What a component does in a pipeline, and the names of its inputs and outputs.
 *
 * <p>State convention: an output {@code s.next} of one chunk is the input {@code s} of the
 * following chunk. {@code FIRST} programs take no state and give all of it.
 */
public enum Role {
  /**
   * {@code input_ids} I64 [batch, text] and, where padding is no token to it, {@code
   * attention_mask} I64 [batch, text] to {@code last_hidden_state} [batch, text, d]. Rows that the
   * mask leaves out are unspecified.
   */
  TEXT_ENCODER("text_encoder/model"),
  /**
   * What depends only on the prompt: {@code encoder_hidden_states} [batch, text, d], and {@code
   * encoder_hidden_states_image} where the model has it, to inputs of the denoiser (each block's
   * cross-attention keys and values).
   */
  CONDITIONING(Role.NETWORK + "/conditioning"),
  /**
   * {@code hidden_states} [batch, C, frames, height, width], {@code timestep} F32 [batch] on the
   * checkpoint's scale, {@code temporal_positions} F32 [frames], and the outputs of {@link
   * #CONDITIONING} to {@code out_hidden_states} [batch, C', frames, height, width].
   */
  DENOISER(Role.NETWORK + "/model"),
  /** {@code sample} [batch, 3, 1, H, W] in [−1, 1] to {@code latent_mean} and state. */
  VAE_ENCODER_FIRST("vae_encoder/first"),
  /** {@code sample} [batch, 3, temporalFactor, H, W] and state to {@code latent_mean} and state. */
  VAE_ENCODER_NEXT("vae_encoder/model"),
  /** {@code latent_sample} [batch, C, 1, h, w] to {@code sample} (1 frame, clamped) and state. */
  VAE_DECODER_FIRST("vae_decoder/first"),
  /** {@code latent_sample} [batch, C, 1, h, w] and state to {@code sample} and state. */
  VAE_DECODER_NEXT("vae_decoder/model");

  /** Stands in paths for the folder that a family's denoiser has. */
  private static final String NETWORK = "{denoiser}";

  private final String path;

  Role(String path) {
    this.path = path;
  }

  /** What users call it, such as {@code vae decoder}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace("_next", "").replace('_', ' ');
  }

  /** Where the component's graph lies in an exported folder of a model, without the extension. */
  public String path(PipelineDescription model) {
    return path.replace(NETWORK, model.denoiser());
  }

  /** Of all components those that are neither there nor done without. */
  public static Set<Role> missing(Set<Role> present) {
    var missing = EnumSet.allOf(Role.class);
    missing.removeAll(present);
    // Frames that do not depend on those before need no program for the first.
    if (present.contains(VAE_ENCODER_NEXT)) {
      missing.remove(VAE_ENCODER_FIRST);
    }
    if (present.contains(VAE_DECODER_NEXT)) {
      missing.remove(VAE_DECODER_FIRST);
    }
    return Collections.unmodifiableSet(missing);
  }
}
