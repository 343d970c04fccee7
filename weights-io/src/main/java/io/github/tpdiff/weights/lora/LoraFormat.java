package io.github.tpdiff.weights.lora;

/** Forms of LoRA files, by the tools that write them. */
public enum LoraFormat {
  /** {@code transformer.<module>.lora_A.weight}, alpha in the header. */
  DIFFUSERS,
  /** A folder: {@code adapter_model.safetensors} and {@code adapter_config.json}. */
  PEFT,
  /** {@code diffusion_model.<authors' module>.lora_down.weight} and {@code .alpha}. */
  COMFYUI,
  /**
   * {@code lora_unet_<module, underscored>.lora_down.weight} and {@code .alpha}; Wan's modules by
   * their authors' names, Stable Diffusion's by diffusers'.
   */
  KOHYA,
  /** {@code <original module>.lora_A.default.weight}; read, never written. */
  DIFFSYNTH,
  /** {@code <module>.lora.down.weight} or {@code processor.to_q_lora.down.weight}; only read. */
  DOWN_UP
}
