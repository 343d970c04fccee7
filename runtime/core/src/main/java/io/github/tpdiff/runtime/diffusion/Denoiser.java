package io.github.tpdiff.runtime.diffusion;

/**
 * A network that predicts what noisy latents are made of: the velocity, ε or what else its {@link
 * DiffusionForm} reads dy/dτ from.
 */
@FunctionalInterface
public interface Denoiser {

  /**
   * The prediction for {@code x}, of the same shape.
   *
   * @param x noisy latents [B, C, F, H, W]
   * @param timestep on the checkpoint's own scale
   * @param framePositions the temporal position of each of the F frames
   */
  Latents predict(Latents x, double timestep, int[] framePositions);

  /** This network with the frame positions of one stage. */
  default Prediction at(int[] framePositions) {
    int[] positions = framePositions.clone();
    return (x, timestep) -> predict(x, timestep, positions);
  }

  /** What a sampler sees of a network. */
  @FunctionalInterface
  interface Prediction {
    /** The prediction for {@code x} at a timestep. */
    Latents predict(Latents x, double timestep);
  }
}
