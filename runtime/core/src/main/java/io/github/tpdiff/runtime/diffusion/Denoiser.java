package io.github.tpdiff.runtime.diffusion;

import java.util.List;

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
   * @param grid where the latents lie in those of the whole clip
   */
  Latents predict(Latents x, double timestep, StageGrid grid);

  /** This network on the grid of one stage. */
  default Prediction at(StageGrid grid) {
    return (x, timestep) -> predict(x, timestep, grid);
  }

  /**
   * This network in one stage of sampling, which begins.
   *
   * @param steps at which it will be asked
   */
  default Prediction in(Stage stage, List<SamplerStep> steps) {
    return at(stage.grid());
  }

  /** What a sampler sees of a network. */
  @FunctionalInterface
  interface Prediction {
    /** The prediction for {@code x} at a timestep. */
    Latents predict(Latents x, double timestep);
  }
}
