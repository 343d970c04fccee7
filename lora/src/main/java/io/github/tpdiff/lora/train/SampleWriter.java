package io.github.tpdiff.lora.train;

import io.github.tpdiff.runtime.diffusion.Latents;

/** Makes of sampled latents what people look at. */
@FunctionalInterface
public interface SampleWriter {
  /**
   * Writes a video.
   *
   * @param step steps done
   * @param prompt its number, from 0
   * @param latents normalised, at full rate
   */
  SampleShown write(int step, int prompt, Latents latents);
}
