package io.github.tpdiff.runtime.diffusion;

/**
 * One stage of a plan.
 *
 * @param number k: K is the first and coarsest, 1 the last, at the full grid
 * @param grid its latents, and where they lie in the full grid
 * @param start s_k: the noisy end of the stage, where sampling enters it
 * @param end e_k: its cleaner end
 */
public record Stage(int number, StageGrid grid, double start, double end) {

  /** Latent frames in this stage. */
  public int frames() {
    return grid.size().frames();
  }

  /** Places of the full grid from one place of this stage to the next. */
  public GridFactor strides() {
    return grid.strides();
  }

  /** How large its latents are, for users: {@code 6 frames}, or {@code 6 frames of 20x10}. */
  public String size() {
    LatentGrid own = grid.size();
    return strides().isOfTimeAlone()
        ? own.frames() + " frames"
        : "%d frames of %dx%d".formatted(own.frames(), own.width(), own.height());
  }
}
